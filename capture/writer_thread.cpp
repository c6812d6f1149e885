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
  std::chrono::steady_clock::time_point publish_due{};
  while (!has_finished_) {
    const bool found = lanes_->take_some([this](Parcel&& parcel) { take(std::move(parcel)); });
    writing_.tick();
    if (const auto now = std::chrono::steady_clock::now(); now >= publish_due) {
      publish_due = now + publish_interval;
      writing_.publish();
    }
    if (!found) lanes_->wait(longest_sleep);
  }
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
