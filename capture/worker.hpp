// One capture thread of the daemon: a ring of each interface, and an output that it writes to.
//
//   manager's thread                      worker's thread
//   orders.post(install) ───────────────> takes over new sources and a new output
//   <──────────────────── answers.post()  gives the old ones back, for the manager to finish
//   figures.read() <───────────────────── publishes what it has counted
//
// The worker waits for nobody but its rings and, when the disk is too slow, its recorder. What it receives it lends
// first, then writes.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <ringtail/recorder.hpp>
#include <ringtail/source.hpp>

#include "base/wake_event.hpp"
#include "flight_recorder.hpp"
#include "lender.hpp"
#include "ring/mailbox.hpp"
#include "ring/published.hpp"
#include "ring/time_order.hpp"
#include "source_group.hpp"
#include "worker_figures.hpp"

namespace ringtail::daemon {

/// By interface; null where there is none at the moment.
using Slots = std::vector<std::shared_ptr<Source>>;

/// A recorder, and what must outlive it.
struct Output {
  Slots slots;
  std::vector<std::uint16_t> source_ids;  ///< by slot, as the recorder knows it
  Recorder recorder;

  /// Opens a recorder for the sources there are.
  [[nodiscard]] static Result<std::unique_ptr<Output>> open(Slots slots, RecorderOptions options);
};

/// What a manager wants of a worker, and what it gets back.
struct Order {
  enum class Kind : std::uint8_t {
    install,  ///< use these slots and this output from now on
    rotate,
    note,  ///< `text` about an interface of `slot` goes into the file
    pause,
    resume,
    dump,    ///< hand over what the flight recorder holds
    finish,  ///< end when the sources have ended; somebody has stopped them
  };
  Kind kind = Kind::install;
  Slots slots{};
  std::unique_ptr<Output> output{};  ///< new with the order, old with the answer; null: none
  RecorderFigures counted_as{};      ///< in the answer: how the old output stands in the worker's figures
  DumpWish wish{};                   ///< with a dump
  std::vector<HeldBatch> held{};     ///< in its answer, with the slots they came from
  std::size_t slot = 0;
  std::uint32_t interface_index = 0;
  std::string text{};
};

/// What a worker does with packets.
struct WorkerDuty {
  bool writes_files = true;                         ///< false: packets without an output are not missed
  std::optional<LendingDesk> lending{};             ///< where they are lent before they are written
  std::optional<ring::TimeOrder::Options> order{};  ///< they are written in the order of their time stamps
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
  [[nodiscard]] WorkerFigures figures() const noexcept { return published_.read(); }

 private:
  void run();
  [[nodiscard]] bool obey();
  void install(Order& order);
  void finish(Order& order);
  void note(const Order& order);
  void answer(std::unique_ptr<Order> order);
  void dump_when_ripe();
  void receive();
  void take(std::size_t slot, Batch&& batch);
  void write_in_order(bool all);
  void watch_output();
  void publish_when_due();
  void publish();
  void ring_bell() const noexcept;

  const base::WakeEvent& bell_;
  const std::optional<int> cpu_;
  WorkerDuty duty_;
  Slots slots_;
  std::optional<SourceGroup> group_;
  std::vector<std::size_t> slot_of_;  ///< by the group's index
  std::unique_ptr<Output> output_;
  std::optional<ring::TimeOrder> order_;  ///< what it holds is for output_
  std::uint64_t past_late_ = 0;           ///< of those before it
  std::unique_ptr<Order> finishing_;
  std::unique_ptr<Order> dumping_;  ///< until its packets have come
  bool is_idle_ = false;            ///< the last look at the rings found nothing
  std::vector<Stats> past_;         ///< by slot: of the sources that were there before
  RecorderFigures past_recorded_;   ///< of the outputs that were there before
  std::uint64_t unrecorded_ = 0;
  bool output_has_failed_ = false;
  WorkerFigures shown_;
  std::chrono::steady_clock::time_point publish_due_{};

  ring::Mailbox<Order> orders_;
  ring::Mailbox<Order> answers_;
  ring::Published<WorkerFigures> published_;
  std::atomic<bool> abandoned_{false};
  std::thread thread_;
};

}  // namespace ringtail::daemon
