// Does what may take long with a recording's files away from the capturing thread: finishes them, syncs, deletes old
// ones, and has the next one open before it is needed.
//
//   capturing thread                            caretaker's thread
//   prepare() ────────────────────────────────> opens a file that has no name yet
//   take_prepared() <───────────────────────────┘
//   ... packets ...
//   finish(file) ────two at most are waiting──> its last bytes, sync, close; tells its name; deletes old files
//
// Opening comes before finishing, so while one file is slow to finish the capturing thread still gets its next one. At
// the third it waits: memory stays bounded, the ring fills, and losses are counted where they happen.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <sched.h>
#include <string>
#include <thread>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>

#include "base/file_descriptor.hpp"
#include "store/capture_file.hpp"
#include "store/name_list.hpp"
#include "store/retention.hpp"

namespace ringtail::store {

/// Threads: one calls, its own works; failure(), has_failed() and written() are for any. The thread begins with the
/// first thing there is to do, so that whoever gives up privileges after opening the recording gives up the thread's
/// too. It may run where create() could, however the capturing thread is pinned.
class Caretaker {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Caretaker>> create(const RecorderOptions& options);
  ~Caretaker();  ///< everything handed over is done first
  Caretaker(const Caretaker&) = delete;
  Caretaker& operator=(const Caretaker&) = delete;

  /// Asks for the next file.
  void prepare();
  /// What prepare() has brought, still without a name. Null when nothing was asked for, when it has not begun yet, or
  /// where the file system has no files without names: then the caller opens one itself.
  [[nodiscard]] std::unique_ptr<Sink> take_prepared();

  /// Takes over a file that gets no more packets. Waits while too many others are being finished.
  void finish(std::unique_ptr<CaptureFile> file);
  /// Waits until nothing is left to do, then finishes the last file on the calling thread.
  void finish_last(std::unique_ptr<CaptureFile> file);

  /// Syncs what has been written to the file so far. False when another sync is still waiting or running.
  [[nodiscard]] bool sync(const OutputFile& file);
  /// Deletes old files where the file system has become too full.
  void watch_free_space();

  /// True when a file could not be finished or synced; without a lock.
  [[nodiscard]] bool has_failed() const noexcept { return failed_.load(std::memory_order_acquire); }
  /// The first thing that went wrong.
  [[nodiscard]] std::optional<Error> failure() const;
  /// What the files handed over hold; of those still being finished, what they have taken.
  [[nodiscard]] WholeRecords written() const;
  /// How long their chunks took.
  [[nodiscard]] LatencyHistogram latency() const;

 private:
  enum class Preparing : std::uint8_t { no, asked_for, running, done };
  struct SyncRequest {
    base::FileDescriptor descriptor;  // a duplicate: the file may be closed meanwhile
    std::string path;
    bool has_name;  // in the directory; a descriptor given to us may have none
  };

  Caretaker(const RecorderOptions& options, NameList names);
  void wake(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] bool start_thread();
  void run();
  [[nodiscard]] bool has_work() const;
  void do_next(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] std::unique_ptr<Sink> open_ahead() const;
  void finish_one(CaptureFile& file, std::uint64_t open_files);
  void store_away(CaptureFile& file);
  void sync_file(const SyncRequest& request);
  void sync_directory();
  void note_failure(const Error& error);

  const RecorderOptions options_;
  const std::string directory_;
  cpu_set_t allowed_cpus_;  // of whoever called create()

  NameList names_;       // of the caretaker's thread, from here
  Retention retention_;  // to here

  mutable std::mutex mutex_;  // of everything below
  std::condition_variable work_;
  std::condition_variable done_;
  bool stopping_ = false;
  Preparing preparing_ = Preparing::no;
  std::unique_ptr<Sink> prepared_;
  std::deque<std::unique_ptr<CaptureFile>> finishing_;  // the first is being finished, or will be next
  std::optional<SyncRequest> sync_;
  bool syncing_ = false;
  bool watching_free_space_ = false;
  bool busy_ = false;
  WholeRecords written_;
  LatencyHistogram latency_;
  std::optional<Error> failure_;
  std::atomic<bool> failed_{false};

  std::thread thread_;
};

}  // namespace ringtail::store
