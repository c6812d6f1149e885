// One recorder for several capture threads: their rings end up in one file.
//
//   worker 0 ──batches──> lane 0 ─┐
//   worker 1 ──batches──> lane 1 ─┼──> writer thread ──> Recorder ──> file
//   ...                           ┘
//
// What is handed over is the loan: packets stay in their ring, and its blocks become the file where they stand. Nothing
// is lost on the way: a worker whose lane is full waits, for there is nobody else whom it could serve meanwhile. So
// when the writer is slower than the wire its ring, or the port's mbufs, run out, and whatever is lost is counted
// there, by the kernel or the device, in one place (dropped_ring).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <ringtail/recorder.hpp>

#include "capture_commons.hpp"
#include "store/writer_lanes.hpp"

namespace ringtail::tools {

/// Threads: write() and close() of a lane belong to its worker; has_ended() and wants_more() are for any; the rest is
/// for before start() and after join().
class SharedRecorder {
 public:
  /// Its file is open from here on. `sources` are those of all lanes, outlive the recorder and have the ids 0, 1, ...
  [[nodiscard]] static Result<std::unique_ptr<SharedRecorder>> create(CaptureCommons& commons,
                                                                      const RecorderOptions& options,
                                                                      const std::vector<const Source*>& sources,
                                                                      std::size_t lanes);
  ~SharedRecorder();
  SharedRecorder(const SharedRecorder&) = delete;
  SharedRecorder& operator=(const SharedRecorder&) = delete;

  /// Hands a batch over. Sleeps while the lane is full, which it is not before a usual ring has lent out everything.
  void write(std::size_t lane, std::uint16_t source_id, Batch&& batch);
  /// The lane's last word: its sources have been stopped.
  void close(std::size_t lane) noexcept;

  void start();
  void join();

  /// False once a limit is reached or the output has failed; what is still handed over is given back or dropped.
  [[nodiscard]] bool wants_more() const noexcept { return wants_more_.load(std::memory_order_relaxed); }
  /// True once all lanes are closed and the file is finished.
  [[nodiscard]] bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire); }
  [[nodiscard]] const std::optional<Error>& failure() const noexcept { return failure_; }
  [[nodiscard]] RecorderStats written() const { return recorder_.stats(); }

 private:
  struct Parcel {
    Batch batch;
    std::uint16_t source_id = 0;
  };
  using Lanes = store::WriterLanes<Parcel>;

  SharedRecorder(CaptureCommons& commons, Recorder recorder, std::unique_ptr<Lanes> lanes, std::size_t lane_count);
  void run();

  CaptureCommons& commons_;
  Recorder recorder_;
  std::unique_ptr<Lanes> lanes_;
  const std::size_t lane_count_;
  std::thread thread_;
  std::atomic<bool> wants_more_{true};
  std::atomic<bool> ended_{false};
  std::optional<Error> failure_;
};

}  // namespace ringtail::tools
