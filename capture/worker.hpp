// One capture thread of the daemon: a ring of each interface, and what becomes of their packets.
//
//   manager's thread                      worker's thread                         writer's thread, where there is one
//   orders.post(install) ───────────────> takes over new sources ───────────────> takes over a new output
//   <────────────────────────────────────────────────────────────── answers.post(): the old ones, for the manager
//   figures() <────────────────────────── publishes what it has counted, and so does ─┘
//
// What a worker receives it lends first; then it is written: by the worker itself, which then waits for the disk, too,
// or, while somebody reads along, by a thread of its own, for which it does not wait.
//
// While somebody reads along, the writer holds at most half of what a source can lend: the rest is for lending. What
// would be more is dropped, and counted. Alone it may hold everything, and the ring fills.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <ringtail/source.hpp>

#include "base/wake_event.hpp"
#include "flight_recorder.hpp"
#include "lender.hpp"
#include "order.hpp"
#include "ring/mailbox.hpp"
#include "ring/published.hpp"
#include "ring/time_order.hpp"
#include "source_group.hpp"
#include "worker_figures.hpp"
#include "writer_thread.hpp"
#include "writing.hpp"

namespace ringtail::daemon {

/// What a worker does with packets.
struct WorkerDuty {
  bool writes_files = true;                         ///< false: packets without an output are not missed
  std::optional<LendingDesk> lending{};             ///< where they are lent before they are written
  std::optional<ring::TimeOrder::Options> order{};  ///< they are written in the order of their time stamps
  std::unique_ptr<WriterLanes> way_to_writer{};     ///< to a thread that writes while somebody reads along; null: none
  bool writes_apart = false;                        ///< it does always, where there is one
  std::unique_ptr<FlightRecorder> flight{};         ///< keeps them, for as many slots; then there is no output
};

class Worker {
 public:
  /// `bell`, which outlives the worker, is signalled when there is an answer, or something to see in the figures.
  Worker(std::size_t slot_count, const base::WakeEvent& bell, std::optional<int> cpu, WorkerDuty duty = {});
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start();

  /// Threads: the manager. False when the last order has not been answered yet.
  bool order(std::unique_ptr<Order>& order) noexcept { return orders_.post(order); }
  [[nodiscard]] std::unique_ptr<Order> answer() noexcept { return answers_.take(); }
  /// What is still in the rings stays there: for those who cannot wait.
  void abandon() noexcept { abandoned_.store(true, std::memory_order_relaxed); }  // no data comes with it

  /// Null when there is none. The manager's end of it.
  [[nodiscard]] FlightRecorder* flight() const noexcept { return duty_.flight.get(); }

  /// Threads: any.
  [[nodiscard]] WorkerFigures figures() const noexcept;

 private:
  /// A batch that the writer has no room for.
  struct Stuck {
    std::size_t slot;
    Batch batch;
  };

  void run();
  [[nodiscard]] bool obey();
  void obey(std::unique_ptr<Order> order);
  void install(Order& order);
  void regroup();
  void finish();
  void pass_on(std::unique_ptr<Order> order);
  void answer(std::unique_ptr<Order> order);
  void dump_when_ripe();
  void receive();
  void end(std::size_t slot);
  void take(std::size_t slot, Batch&& batch);
  void hand_over(std::size_t slot, Batch&& batch);
  [[nodiscard]] bool is_stuck();
  void let_go();
  void settle_who_writes();
  [[nodiscard]] bool writes_itself() const noexcept { return !writer_ || writer_->has_worker_the_pen(); }
  [[nodiscard]] bool is_read_along() const noexcept { return duty_.lending && duty_.lending->has_clients(); }
  void drop(Batch& batch);
  void tick();
  void publish();
  void ring_bell() const noexcept;

  const base::WakeEvent& bell_;
  const std::optional<int> cpu_;
  WorkerDuty duty_;
  Slots slots_;
  std::optional<SourceGroup> group_;
  std::vector<std::size_t> slot_of_;  ///< by the group's index
  std::unique_ptr<Order> finishing_;
  std::unique_ptr<Order> dumping_;  ///< until its packets have come
  std::optional<Stuck> stuck_;      ///< nothing is received before it has gone
  bool is_idle_ = false;            ///< the last look at the rings found nothing
  std::vector<Stats> past_;         ///< by slot: of the sources that were there before
  ReceivingFigures shown_;
  std::chrono::steady_clock::time_point publish_due_{};

  ring::Mailbox<Order> orders_;
  ring::Mailbox<Order> answers_;
  ring::Published<ReceivingFigures> published_;
  std::atomic<bool> abandoned_{false};
  Writing writing_;                       ///< who has the pen uses it
  std::unique_ptr<WriterThread> writer_;  ///< null: the worker writes always
  std::thread thread_;
};

}  // namespace ringtail::daemon
