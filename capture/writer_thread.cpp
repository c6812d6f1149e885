#include "writer_thread.hpp"

#include <utility>

#include "base/contract.hpp"
#include "base/quiet_thread.hpp"
#include "settings.hpp"

namespace ringtail::daemon {

namespace {

constexpr std::uint32_t most_parcels = 4096;
/// One order is out at a time, but for the last. With it go, or have gone, the ends of as many slots as there are, and
/// one batch that had no room before.
constexpr std::uint32_t places_for_orders = 2 * most_devices + 3;
constexpr std::chrono::milliseconds longest_sleep{50};  // the recorder's clock wants to be looked at
constexpr std::chrono::seconds longest_sleep_without_pen{1};

}  // namespace

Result<std::unique_ptr<WriterLanes>> open_way_to_writer() {
  return WriterLanes::create(1, most_parcels);
}

WriterThread::WriterThread(std::unique_ptr<WriterLanes> lanes, Writing& writing, ring::Mailbox<Order>& answers,
                           const base::WakeEvent& bell, std::size_t slots)
    : lanes_(std::move(lanes)), writing_(writing), answers_(answers), bell_(bell) {
  for (std::size_t slot = 0; slot < slots; ++slot) meters_.push_back(ring::LoanMeter::create());
}

WriterThread::~WriterThread() {
  if (thread_.joinable()) thread_.join();
}

void WriterThread::start() {
  thread_ = base::start_quiet_thread([this] { run(); });
}

// ---- The worker's side ---------------------------------------------------------------------------------------------

void WriterThread::hand_pen_over() {
  // From any state: wanted and offered are taken back. The writer's own exchanges fail then.
  if (!std::exchange(worker_has_pen_, false) && pen_.load(std::memory_order_relaxed) == Pen::writer) return;
  pen_.store(Pen::writer, std::memory_order_release);
  lanes_->wake_writer();
}

void WriterThread::take_pen() {
  if (worker_has_pen_) return;
  Pen offered = Pen::offered;
  // Nobody but us moves it from there.
  if (pen_.load(std::memory_order_relaxed) == Pen::writer) return pen_.store(Pen::wanted, std::memory_order_relaxed);
  // What was sent since the writer last looked is for it: it sees that, too, and goes on.
  if (!lanes_->is_empty(0)) return;
  worker_has_pen_ = pen_.compare_exchange_strong(offered, Pen::worker, std::memory_order_acquire);
}

bool WriterThread::is_within_half(std::size_t slot, const Batch& batch) {
  return meters_[slot]->fits_half(batch);
}

bool WriterThread::write(std::size_t slot, Batch& batch) {
  if (!lanes_->has_room(0, 1 + places_for_orders)) return false;
  write_at_last(slot, batch);
  return true;
}

void WriterThread::write_at_last(std::size_t slot, Batch& batch) {
  push({.batch = meters_[slot]->pass(std::move(batch)), .slot = slot, .order = nullptr});
}

void WriterThread::wait_for_room(std::chrono::nanoseconds longest) {
  lanes_->wait_for_room(0, 1 + places_for_orders, longest);
}

void WriterThread::end(std::size_t slot) {
  push({.batch = {}, .slot = slot, .order = nullptr});
}

void WriterThread::send(std::unique_ptr<Order> order) {
  push({.batch = {}, .slot = 0, .order = std::move(order)});
}

void WriterThread::push(Parcel&& parcel) {
  base::require(lanes_->push(0, std::move(parcel)), "there is always room for an order");
}

// ---- The writer's side ---------------------------------------------------------------------------------------------

void WriterThread::run() {
  while (!has_finished_) {
    if (has_writer_the_pen()) {
      write_what_there_is();
    } else {
      lanes_->wait(longest_sleep_without_pen);
    }
  }
}

bool WriterThread::has_writer_the_pen() {
  Pen offered = Pen::offered;
  // Sent before the worker saw the offer. It does not take the pen while something is on the way.
  if (lanes_->has_work()) (void)pen_.compare_exchange_strong(offered, Pen::wanted, std::memory_order_acquire);
  const Pen pen = pen_.load(std::memory_order_acquire);
  return pen == Pen::writer || pen == Pen::wanted;
}

void WriterThread::write_what_there_is() {
  const bool found = lanes_->take_some([this](Parcel&& parcel) { take(std::move(parcel)); });
  writing_.tick();
  if (const auto now = std::chrono::steady_clock::now(); now >= publish_due_) {
    publish_due_ = now + publish_interval;
    writing_.publish();
  }
  if (found) return;
  Pen wanted = Pen::wanted;
  if (pen_.compare_exchange_strong(wanted, Pen::offered, std::memory_order_release)) return;
  lanes_->wait(longest_sleep);
}

void WriterThread::take(Parcel&& parcel) {
  if (!parcel.order) {
    if (parcel.batch.empty()) return writing_.end(parcel.slot);
    return writing_.write(parcel.slot, std::move(parcel.batch));
  }
  writing_.obey(*parcel.order);
  has_finished_ = parcel.order->kind == Order::Kind::finish;
  writing_.publish();
  (void)answers_.post(parcel.order);  // the manager takes an answer before it posts the next order
  bell_.signal();
}

}  // namespace ringtail::daemon
