// One capture thread: its sources, its file, its loop.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <ringtail/recorder.hpp>
#include <ringtail/source.hpp>

#include "base/file_descriptor.hpp"
#include "packet_budget.hpp"
#include "source_group.hpp"

namespace ringtail::tools {

/// What the workers of a capture have in common.
struct CaptureCommons {
  PacketBudget budget;
  base::FileDescriptor bell;              ///< an eventfd; becomes readable when a worker has finished
  std::chrono::nanoseconds longest_wait;  ///< how long a worker may sleep
};

/// Why a worker's loop ended.
enum class WorkerEnd : std::uint8_t {
  drained,  ///< its sources have ended and everything they had is taken
  limit,    ///< a packet or file limit is reached; what is left in the rings stays unread
  failed,   ///< failure() says why
};

/// Lives on the thread that makes it; run() is the capture thread. Threads: any may call stop(), abandon(),
/// has_ended(); the rest is for after join(), except that sources() may be asked for their stats() at any time.
class CaptureWorker {
 public:
  /// Takes open sources over. With `recording` they are written into a file, else only counted.
  [[nodiscard]] static Result<std::unique_ptr<CaptureWorker>> create(CaptureCommons& commons,
                                                                     std::vector<Source> sources,
                                                                     const std::optional<RecorderOptions>& recording);
  ~CaptureWorker();
  CaptureWorker(const CaptureWorker&) = delete;
  CaptureWorker& operator=(const CaptureWorker&) = delete;

  /// Starts the thread, on `cpu` where one is given.
  void start(std::optional<int> cpu);
  void join();

  /// Ends the inflow; the loop goes on until the rings are empty.
  void stop() noexcept;
  /// Ends the loop at the next turn; what is in the rings stays unread.
  void abandon() noexcept;
  [[nodiscard]] bool has_ended() const noexcept;

  [[nodiscard]] const std::vector<Source>& sources() const noexcept { return sources_; }
  [[nodiscard]] WorkerEnd end() const noexcept { return end_; }
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }
  [[nodiscard]] RecorderStats written() const;

 private:
  CaptureWorker(CaptureCommons& commons, std::vector<Source> sources);

  [[nodiscard]] Result<void> open_output(const RecorderOptions& recording);
  void run(std::optional<int> cpu);
  void loop();
  void take(std::size_t source, Batch&& batch);
  void note_end_of(const Source& source);
  [[nodiscard]] bool output_has_ended();
  void finish();
  void fail(const Error& error);

  CaptureCommons& commons_;
  std::vector<Source> sources_;  ///< never moved again: the recorder and the group point into it
  std::optional<SourceGroup> group_;
  std::optional<Recorder> recorder_;
  std::thread thread_;
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> ended_{false};
  WorkerEnd end_ = WorkerEnd::drained;
  std::optional<Error> failure_;  ///< the first one
};

}  // namespace ringtail::tools
