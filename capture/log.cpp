#include "log.hpp"

#include <cstdlib>
#include <fmt/format.h>
#include <mutex>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "log_output.hpp"

namespace ringtail::daemon {

namespace {

constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                spdlog::level::err};
// The same as syslog(3) numbers them.
constexpr const char* journal_prefixes[] = {"<7>", "<6>", "<4>", "<3>"};

bool to_journal = false;

const char* prefix_of(LogLevel level) {
  return to_journal ? journal_prefixes[static_cast<std::size_t>(level)] : "";
}

/// stderr, as far as it takes lines; those that it did not take are counted in the next one.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (lost_lines_ != 0 && write({message.logger_name, spdlog::level::warn, lost_text()})) lost_lines_ = 0;
    if (lost_lines_ != 0 || !write(message)) ++lost_lines_;
  }
  void flush_() override {}

  [[nodiscard]] std::string lost_text() const {
    return fmt::format("{}{} lines of the log are missing here: nobody took them", prefix_of(LogLevel::warning),
                       lost_lines_);
  }
  bool write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    return output_.write({line.data(), line.size()});
  }

  LogOutput output_{STDERR_FILENO};
  std::uint64_t lost_lines_ = 0;
};

}  // namespace

void set_up_log(std::string_view level) {
  to_journal = std::getenv("JOURNAL_STREAM") != nullptr;  // NOLINT(concurrency-mt-unsafe): there is no other thread yet
  auto logger = std::make_shared<spdlog::logger>("ringtaild", std::make_shared<StderrSink>());
  logger->set_pattern(to_journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->set_error_handler([](const std::string&) {});  // a log that cannot be written must not end a capture
  spdlog::set_default_logger(std::move(logger));
}

void set_log_level(std::string_view level) {
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

void log(LogLevel level, std::string_view capture, std::string_view text) {
  const auto index = static_cast<std::size_t>(level);
  if (capture.empty()) {
    spdlog::log(levels[index], "{}{}", prefix_of(level), text);
  } else {
    spdlog::log(levels[index], "{}capture={} {}", prefix_of(level), capture, text);
  }
}

}  // namespace ringtail::daemon
