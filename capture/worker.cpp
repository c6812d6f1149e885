#include "worker.hpp"

#include <algorithm>
#include <utility>

#include "base/affinity.hpp"
#include "base/quiet_thread.hpp"

namespace ringtail::daemon {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_wait{50};  // for packets; the recorder's clock and orders want to be looked at

}  // namespace

Worker::Worker(std::size_t slot_count, const base::WakeEvent& bell, std::optional<int> cpu, WorkerDuty duty)
    : bell_(bell),
      cpu_(cpu),
      duty_(std::move(duty)),
      slots_(slot_count),
      past_(slot_count),
      writing_(slot_count, duty_.order, bell) {
  if (!duty_.way_to_writer) return;
  writer_ = std::make_unique<WriterThread>(std::move(duty_.way_to_writer), writing_, answers_, bell, slot_count);
}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  abandon();
  auto order = std::make_unique<Order>(Order{.kind = Order::Kind::finish});
  while (!orders_.post(order)) std::this_thread::sleep_for(milliseconds(1));  // it takes the one before any moment
  thread_.join();
}

void Worker::start() {
  if (writer_) writer_->start();
  thread_ = base::start_quiet_thread([this] { run(); });
}

WorkerFigures Worker::figures() const noexcept {
  const WritingFigures writing = writing_.figures();
  return WorkerFigures::of(published_.read(), writing);
}

void Worker::run() {
  if (cpu_) (void)base::pin_this_thread(*cpu_);  // checked when the configuration was applied
  while (obey()) {
    receive();
    tick();
  }
}

// ---- Orders --------------------------------------------------------------------------------------------------------

/// False when the last order is done.
bool Worker::obey() {
  if (auto order = orders_.take()) obey(std::move(order));
  if (dumping_) dump_when_ripe();
  if (!finishing_) return true;
  const bool is_abandoned = abandoned_.load(std::memory_order_relaxed);
  const bool has_ended = (!group_ || group_->has_ended()) && !stuck_;
  if (!has_ended && !is_abandoned) return true;
  finish();
  return false;
}

void Worker::obey(std::unique_ptr<Order> order) {
  switch (order->kind) {
    case Order::Kind::install:
      install(*order);
      return pass_on(std::move(order));
    case Order::Kind::rotate:
    case Order::Kind::note:
      return pass_on(std::move(order));
    case Order::Kind::pause:
    case Order::Kind::resume:
      shown_.is_paused = order->kind == Order::Kind::pause;
      return answer(std::move(order));
    case Order::Kind::finish:
      finishing_ = std::move(order);
      return;
    case Order::Kind::dump:
      dumping_ = std::move(order);
      return;
  }
}

/// To whoever writes: what was received before it is written before it.
void Worker::pass_on(std::unique_ptr<Order> order) {
  const bool installs = order->kind == Order::Kind::install;
  if (writer_ && order->kind == Order::Kind::finish) writer_->hand_pen_over();  // its thread ends with that
  let_go();
  if (writes_itself()) {
    writing_.obey(*order);
  } else {
    publish();
    writer_->send(std::move(order));
  }
  for (std::size_t slot = 0; installs && slot < slots_.size(); ++slot) {
    if (std::ranges::find(slot_of_, slot) == slot_of_.end()) end(slot);
  }
  if (order) answer(std::move(order));
}

void Worker::answer(std::unique_ptr<Order> order) {
  publish();
  (void)answers_.post(order);  // the manager takes an answer before it posts the next order
  ring_bell();
}

void Worker::dump_when_ripe() {
  std::vector<bool> has_source;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    has_source.push_back(slots_[slot] != nullptr && !shown_.slots[slot].has_ended);
  }
  const bool is_abandoned = abandoned_.load(std::memory_order_relaxed);
  if (!is_abandoned && !duty_.flight->is_ripe(dumping_->wish, has_source, is_idle_)) return;
  dumping_->slots = slots_;
  dumping_->held = duty_.flight->take(dumping_->wish.since_ns);
  answer(std::move(dumping_));
}

void Worker::install(Order& order) {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot] == order.slots[slot]) continue;
    if (duty_.flight) duty_.flight->forget(slot);
    if (slots_[slot]) past_[slot] += slots_[slot]->stats();
    shown_.slots[slot] = {.most_unread = shown_.slots[slot].most_unread};
    if (duty_.lending) duty_.lending->forget(slot);
    if (writer_) writer_->forget(slot);
  }
  slots_.swap(order.slots);  // the old ones end with the order, on the manager's thread
  regroup();
}

/// Only descriptors can be missing for it; whoever looks at the figures sees that they are.
void Worker::regroup() {
  std::vector<Source*> sources;
  slot_of_.clear();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!slots_[slot] || shown_.slots[slot].has_ended) continue;
    sources.push_back(slots_[slot].get());
    slot_of_.push_back(slot);
  }
  auto group = SourceGroup::create(std::move(sources));
  group_.reset();
  shown_.is_blind = !group;
  if (group) group_.emplace(std::move(*group));
}

void Worker::finish() {
  for (std::size_t slot = 0; duty_.flight && slot < slots_.size(); ++slot) duty_.flight->forget(slot);
  pass_on(std::move(finishing_));
}

// ---- Packets -------------------------------------------------------------------------------------------------------

void Worker::receive() {
  if (stuck_ && is_stuck()) return;
  if (shown_.is_blind) regroup();
  if (!group_ || group_->has_ended()) return std::this_thread::sleep_for(longest_wait);
  auto [status, index, batch] = group_->receive(longest_wait);
  is_idle_ = status == ReceiveStatus::timeout;
  if (status == ReceiveStatus::packets) return take(slot_of_[index], std::move(batch));
  if (status == ReceiveStatus::no_credit && duty_.flight) duty_.flight->make_room();
  if (status != ReceiveStatus::end_of_stream) return;
  SlotFigures& slot = shown_.slots[slot_of_[index]];
  slot.has_ended = true;
  end(slot_of_[index]);
  publish();
  ring_bell();
}

void Worker::end(std::size_t slot) {
  if (writes_itself()) {
    writing_.end(slot);
  } else {
    writer_->end(slot);
  }
}

void Worker::take(std::size_t slot, Batch&& batch) {
  // While its bytes are where they arrived: a recorder may move them.
  if (duty_.lending) duty_.lending->lend(slot, *slots_[slot], batch);
  if (shown_.is_paused) {
    shown_.discarded_paused += batch.size();
    batch.reset();
  } else if (duty_.flight) {
    duty_.flight->hold(slot, *slots_[slot], std::move(batch));
  } else if (duty_.writes_files) {
    hand_over(slot, std::move(batch));
  } else {
    batch.reset();
  }
}

void Worker::hand_over(std::size_t slot, Batch&& batch) {
  settle_who_writes();
  const std::uint32_t packets = batch.size();
  if (writes_itself()) {
    shown_.handed_over_packets += packets;
    return writing_.write(slot, writer_ ? writer_->meter(slot, std::move(batch)) : std::move(batch));
  }
  const bool hurries = is_read_along();
  if (hurries && !writer_->is_within_half(slot, batch)) return drop(batch);
  if (writer_->write(slot, batch)) {
    shown_.handed_over_packets += packets;
  } else if (hurries) {
    drop(batch);
  } else {
    stuck_ = Stuck{slot, std::move(batch)};
  }
}

/// Nobody reads along, so there is time to wait: the ring fills meanwhile, and what it has no room for is counted
/// there.
bool Worker::is_stuck() {
  auto [slot, batch] = *std::exchange(stuck_, std::nullopt);
  hand_over(slot, std::move(batch));
  if (stuck_) writer_->wait_for_room(longest_wait);
  return stuck_.has_value();
}

/// Before an order, which always finds room.
void Worker::let_go() {
  if (!stuck_) return;
  auto [slot, batch] = *std::exchange(stuck_, std::nullopt);
  shown_.handed_over_packets += batch.size();
  if (writes_itself()) return writing_.write(slot, writer_->meter(slot, std::move(batch)));
  writer_->write_at_last(slot, batch);
}

/// Who reads along does not wait for a disk. Alone, a thread for the writer would cost more than it is good for.
void Worker::settle_who_writes() {
  if (!writer_) return;
  if (duty_.writes_apart || is_read_along()) {
    writer_->hand_pen_over();
  } else {
    writer_->take_pen();
  }
}

void Worker::drop(Batch& batch) {
  shown_.dropped_packets += batch.size();
  batch.reset();
}

// ---- Figures -------------------------------------------------------------------------------------------------------

void Worker::tick() {
  settle_who_writes();
  if (writes_itself()) writing_.tick();
  const auto now = std::chrono::steady_clock::now();
  if (duty_.flight) duty_.flight->expire(now);
  if (now < publish_due_) return;
  publish_due_ = now + publish_interval;
  publish();
}

void Worker::publish() {
  if (writes_itself()) writing_.publish();
  shown_.shown_at_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  Stats total;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    shown_.slots[slot].stats = past_[slot];
    if (slots_[slot]) {
      const Stats current = slots_[slot]->stats();
      shown_.slots[slot].stats += current;
      shown_.slots[slot].most_unread = std::max(shown_.slots[slot].most_unread, current.unread);
    }
    total += shown_.slots[slot].stats;
  }
  if (duty_.lending) duty_.lending->report_losses(total);
  if (duty_.flight) duty_.flight->show(shown_);
  published_.publish(shown_);
}

void Worker::ring_bell() const noexcept {
  bell_.signal();
}

}  // namespace ringtail::daemon
