// A thread that writes what a worker has received, so that the worker waits for no disk.
//
// That costs: what one processor has just described, another one reads. So a worker that can afford to wait writes by
// itself, and hands the pen over when it cannot any more. Only who has the pen touches the Writing:
//
//   worker's ──hand_pen_over()──> writer's ──take_pen()──> wanted ──nothing is on the way──> offered ──take_pen()──>
//   worker's
//                                                            ^                                  │
//                                                            └──── something was, after all ────┘
//
//   worker's thread                        writer's thread
//   batches, and orders about the files ─> Writing ──> Recorder ──> disk
//                                          answers.post() ──> the manager, when it is done
//
// Parcels go one way, in their order: what was received before a rotation is in the file before it. What is handed over
// is the loan of a batch; a meter for each slot says how much the writer's side holds.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "order.hpp"
#include "ring/loan_meter.hpp"
#include "ring/mailbox.hpp"
#include "store/writer_lanes.hpp"
#include "writing.hpp"

namespace ringtail::daemon {

/// What the worker hands over: a batch, or an order, or, without either, that nothing more comes from a slot.
struct Parcel {
  Batch batch;
  std::size_t slot = 0;
  std::unique_ptr<Order> order;
};
using WriterLanes = store::WriterLanes<Parcel>;

/// One lane, with room for more batches than the rings of a usual capture can lend.
[[nodiscard]] Result<std::unique_ptr<WriterLanes>> open_way_to_writer();

/// Threads: the worker's, where nothing else is said. All it is given outlives it.
class WriterThread {
 public:
  WriterThread(std::unique_ptr<WriterLanes> lanes, Writing& writing, ring::Mailbox<Order>& answers,
               const base::WakeEvent& bell, std::size_t slots);
  ~WriterThread();  ///< the last order, a finish, has been sent
  WriterThread(const WriterThread&) = delete;
  WriterThread& operator=(const WriterThread&) = delete;

  /// Threads: the worker's maker. The worker has the pen then.
  void start();

  /// True when the worker may use the Writing itself. Then there is nothing on the way.
  [[nodiscard]] bool has_worker_the_pen() const noexcept { return worker_has_pen_; }
  /// From now on the thread writes, and what follows may be handed over to it.
  void hand_pen_over();
  /// The thread shall give the pen back when it has written all there is: to be called until the worker has it.
  void take_pen();
  /// Counts a batch that the worker writes as if it were handed over.
  [[nodiscard]] Batch meter(std::size_t slot, Batch&& batch) { return meters_[slot]->pass(std::move(batch)); }

  /// True when the writer would still hold no more than half of what the slot's source can lend, with this batch.
  [[nodiscard]] bool is_within_half(std::size_t slot, const Batch& batch);
  /// False when there is no room; the batch then stays with the caller.
  [[nodiscard]] bool write(std::size_t slot, Batch& batch);
  /// Sleeps until there is room, but no longer than `longest`.
  void wait_for_room(std::chrono::nanoseconds longest);

  // These always find room.

  /// A batch that had none, before an order.
  void write_at_last(std::size_t slot, Batch& batch);
  /// Nothing comes from the slot until something does.
  void end(std::size_t slot);
  /// As Writing::obey(); the order becomes the answer.
  void send(std::unique_ptr<Order> order);
  /// There is, or will be, another source in that slot.
  void forget(std::size_t slot) { meters_[slot] = ring::LoanMeter::create(); }

 private:
  enum class Pen : std::uint8_t { worker, writer, wanted, offered };

  void run();
  void write_what_there_is();
  [[nodiscard]] bool has_writer_the_pen();
  void take(Parcel&& parcel);
  void push(Parcel&& parcel);

  std::unique_ptr<WriterLanes> lanes_;
  Writing& writing_;
  ring::Mailbox<Order>& answers_;
  const base::WakeEvent& bell_;
  std::vector<ring::LoanMeter::Pointer> meters_;  // by slot
  // Stored by release and loaded by acquire where it changes hands: who had the pen has done with the Writing.
  std::atomic<Pen> pen_{Pen::worker};
  bool worker_has_pen_ = true;                           // the worker's: what it knows of it
  bool has_finished_ = false;                            // the writer's
  std::chrono::steady_clock::time_point publish_due_{};  // the writer's
  std::thread thread_;
};

}  // namespace ringtail::daemon
