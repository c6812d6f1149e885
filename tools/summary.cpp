#include "summary.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/format.h>
#include <sys/resource.h>

#include "report.hpp"

namespace ringtail::tools {

namespace {

constexpr std::size_t most_file_names = 100;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessUsage ProcessUsage::now() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.user_seconds = seconds(usage.ru_utime),
          .system_seconds = seconds(usage.ru_stime),
          .voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw),
          .involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw)};
}

std::uint64_t Summary::delivered() const {
  std::uint64_t packets = 0;
  for (const SourceSummary& source : sources) packets += source.stats.delivered;
  return packets;
}

double Summary::cpu_ns_per_packet() const {
  const std::uint64_t packets = delivered();
  return packets == 0 ? 0 : (usage.user_seconds + usage.system_seconds) * 1e9 / static_cast<double>(packets);
}

void add(std::vector<Counter>& total, const std::vector<Counter>& part) {
  for (const Counter& counter : part) {
    const auto same = std::find_if(total.begin(), total.end(),
                                   [&counter](const Counter& other) { return other.name == counter.name; });
    if (same == total.end()) {
      total.push_back(counter);
    } else {
      same->value += counter.value;
    }
  }
}

void add(RecorderStats& total, const RecorderStats& part) {
  total += part;
  total.files.insert(total.files.end(), part.files.begin(), part.files.end());
  if (total.files.size() > most_file_names) total.files.erase(total.files.begin(), total.files.end() - most_file_names);
  total.writer = part.writer;
}

Summary summarize(const Source& source, std::chrono::steady_clock::time_point begin) {
  Summary summary;
  summary.elapsed_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  summary.sources.push_back(
      {std::string(source.name()), std::string(source.backend()), source.stats(), source.counters()});
  summary.written.captured_bytes = summary.sources.front().stats.delivered_bytes;
  summary.usage = ProcessUsage::now();
  if (source.failure() != nullptr) summary.error = *source.failure();
  return summary;
}

std::string books_text(const Summary& summary) {
  Stats total;
  for (const SourceSummary& source : summary.sources) total += source.stats;
  if (total.unread == 0) {
    return fmt::format("received = delivered + dropped: {} = {} + {}\n", total.received, total.delivered,
                       total.dropped_ring);
  }
  return fmt::format("received = delivered + dropped + unread: {} = {} + {} + {}\n", total.received, total.delivered,
                     total.dropped_ring, total.unread);
}

Result<SummaryOutput> SummaryOutput::open(const std::string& path) {
  SummaryOutput output;
  if (path.empty()) return output;
  output.path_ = path;
  output.file_.reset(path == "-" ? stdout : std::fopen(path.c_str(), "we"));
  if (output.file_ != nullptr) return output;
  return tl::unexpected(system_error("open " + path + " for the summary", errno));
}

Result<void> SummaryOutput::write(const std::string& json) {
  if (file_ == nullptr) return {};
  errno = 0;
  if (std::fwrite(json.data(), 1, json.size(), file_.get()) == json.size() && std::fflush(file_.get()) == 0) return {};
  return tl::unexpected(system_error("write the summary to " + path_, errno));
}

int conclude(const Summary& summary, SummaryOutput& output) {
  const int status = summary.error ? report(*summary.error) : exit_done;
  const auto written = output.write(to_json(summary));
  return written ? status : report(written.error());
}

}  // namespace ringtail::tools
