#include "capture_conditions.hpp"

#include "values.hpp"

namespace ringtail::tools {

namespace {

constexpr std::uint64_t bytes_per_kB = 1000;
constexpr std::uint64_t most_kB = std::numeric_limits<std::int64_t>::max() / bytes_per_kB;

struct Condition {
  std::string option;  ///< "-a duration", for errors
  std::string name;
  std::string value;
};

Condition split(const char* option, const std::string& text) {
  const std::size_t colon = text.find(':');
  Condition condition{.option = option, .name = text.substr(0, colon), .value = {}};
  condition.option += " " + condition.name;
  if (colon != std::string::npos) condition.value = text.substr(colon + 1);
  return condition;
}

/// Puts a parsed value where it belongs, or hands on why it is none.
template <typename Value, typename Target>
Result<void> store(Result<Value> value, Target& target) {
  if (!value) return tl::unexpected(std::move(value.error()));
  target = *value;
  return {};
}

Result<std::uint64_t> parse_kB(const Condition& condition) {
  return parse_whole(condition.option, condition.value, 1, most_kB).map([](std::uint64_t kB) {
    return kB * bytes_per_kB;
  });
}

Error unknown(const char* option, const std::string& text, const char* known) {
  return usage_error(option, "'" + text + "' is no condition", std::string("write ") + known);
}

}  // namespace

Result<void> add_stop_condition(const std::string& text, CaptureOptions& options) {
  const Condition condition = split("-a", text);
  const auto& [option, name, value] = condition;
  if (name == "duration") return store(parse_seconds(option, value), options.stop_after_duration);
  if (name == "filesize") return store(parse_kB(condition), options.output.stop_after_file_bytes);
  if (name == "files") return store(parse_whole(option, value), options.output.stop_after_files);
  if (name == "packets") return store(parse_whole(option, value), options.stop_after_packets);
  return tl::unexpected(unknown("-a", text, "duration:S, filesize:kB, files:N or packets:N"));
}

Result<void> add_ring_condition(const std::string& text, Rotation& rotation) {
  const Condition condition = split("-b", text);
  const auto& [option, name, value] = condition;
  if (name == "duration") return store(parse_seconds(option, value), rotation.duration);
  if (name == "interval") {
    constexpr std::uint64_t week = 7 * 24 * 3600;
    return store(parse_whole(option, value, 1, week).map([](std::uint64_t s) { return std::chrono::seconds(s); }),
                 rotation.interval);
  }
  if (name == "filesize") return store(parse_kB(condition), rotation.file_bytes);
  if (name == "files") return store(parse_whole(option, value), rotation.keep_files);
  if (name == "packets") return store(parse_whole(option, value), rotation.file_packets);
  if (name == "total") return store(parse_whole(option, value), rotation.keep_bytes);
  if (name == "free") return store(parse_decimal(option, value, 100), rotation.keep_free_percent);
  if (name == "printname" && !value.empty()) {
    rotation.print_names_to = value == "stdout" ? "-" : value;
    return {};
  }
  return tl::unexpected(unknown("-b", text,
                                "duration:S, interval:S, filesize:kB, files:N, packets:N, printname:FILE, total:BYTES "
                                "or free:PERCENT"));
}

void settle_conditions(CaptureOptions& options) {
  RecorderOptions& output = options.output;
  const bool several_files = output.rotation.is_on() || output.stop_after_files.has_value();
  if (!several_files) return;
  if (output.stop_after_file_bytes && !output.rotation.file_bytes) {
    output.rotation.file_bytes = output.stop_after_file_bytes;
  }
  output.stop_after_file_bytes.reset();
}

}  // namespace ringtail::tools
