// The account of a finished capture: what --json writes and what people read at the end.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>
#include <ringtail/source.hpp>
#include <ringtail/stats.hpp>

namespace ringtail::tools {

struct SourceSummary {
  std::string name;
  std::string backend;
  Stats stats;
  std::vector<Counter> counters{};  ///< what only its kind of source counts
};

/// What the process has used so far, children not included.
struct ProcessUsage {
  double user_seconds = 0;
  double system_seconds = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;

  [[nodiscard]] static ProcessUsage now();
};

struct Summary {
  double elapsed_seconds = 0;
  std::vector<SourceSummary> sources{};
  RecorderStats written{};  ///< all zero where nothing is written
  ProcessUsage usage{};
  std::optional<Error> error{};

  [[nodiscard]] std::uint64_t delivered() const;
  [[nodiscard]] double cpu_ns_per_packet() const;  ///< by delivered packets; 0 when there are none
};

/// Adds the counters of one source of a device to those of its other sources, name by name.
void add(std::vector<Counter>& total, const std::vector<Counter>& part);

/// Adds what one thread wrote to what the others wrote; of all names the last 100 stay.
void add(RecorderStats& total, const RecorderStats& part);

/// The account of a source that has ended, or been stopped, in a program that writes nothing.
[[nodiscard]] Summary summarize(const Source& source, std::chrono::steady_clock::time_point begin);

/// "received = delivered + dropped: 12 = 10 + 2" over all sources, and unread packets where there are any.
[[nodiscard]] std::string books_text(const Summary& summary);

/// The summary as the one-line JSON object that scripts rely on; ends with a newline.
[[nodiscard]] std::string to_json(const Summary& summary);

/// Where --json goes. Opened before the capture, so that a mistyped path is known before and not after it.
class SummaryOutput {
 public:
  /// "-" is standard output; an empty path is nowhere.
  [[nodiscard]] static Result<SummaryOutput> open(const std::string& path);

  /// The JSON text of a summary. Nothing happens where there is no output.
  [[nodiscard]] Result<void> write(const std::string& json);

 private:
  struct Closer {
    void operator()(std::FILE* file) const noexcept {
      if (file != stdout) std::fclose(file);
    }
  };
  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
};

/// The last thing a command does: tells the error if there is one, writes the summary, returns the exit status.
[[nodiscard]] int conclude(const Summary& summary, SummaryOutput& output);

}  // namespace ringtail::tools
