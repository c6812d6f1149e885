// One capture thread: its sources, its loop, its file or its way into the one that all share.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <ringtail/recorder.hpp>
#include <ringtail/source.hpp>

#include "capture_commons.hpp"
#include "shared_recorder.hpp"
#include "source_group.hpp"

namespace ringtail::tools {

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

  /// Before start(): batches go to `recorder`, where the worker has `lane` and its sources the ids from `first_id` on.
  void write_to(SharedRecorder& recorder, std::size_t lane, std::uint16_t first_id);

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
  /// Into a file of its own.
  [[nodiscard]] RecorderStats written() const;

 private:
  struct SharedOutput {
    SharedRecorder* recorder;
    std::size_t lane;
    std::uint16_t first_id;
  };

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
  std::optional<Recorder> recorder_;           ///< of its own
  std::optional<SharedOutput> shared_output_;  ///< or this
  std::thread thread_;
  std::atomic<bool> abandoned_{false};
  std::atomic<bool> ended_{false};
  WorkerEnd end_ = WorkerEnd::drained;
  std::optional<Error> failure_;  ///< the first one
};

}  // namespace ringtail::tools
