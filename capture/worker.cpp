#include "worker.hpp"

#include <algorithm>
#include <utility>

#include "base/affinity.hpp"
#include "base/quiet_thread.hpp"

namespace ringtail::daemon {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_wait{50};  // for packets; the recorder's clock and orders want to be looked at
constexpr milliseconds publish_interval{200};

}  // namespace

Result<std::unique_ptr<Output>> Output::open(Slots slots, RecorderOptions options) {
  std::vector<const Source*> sources;
  std::vector<std::uint16_t> ids;
  for (const auto& source : slots) {
    ids.push_back(static_cast<std::uint16_t>(sources.size()));
    if (source) sources.push_back(source.get());
  }
  auto recorder = Recorder::create(std::move(options), sources);
  if (!recorder) return tl::unexpected(std::move(recorder.error()));
  return std::unique_ptr<Output>(new Output{std::move(slots), std::move(ids), std::move(*recorder)});
}

Worker::Worker(std::size_t slot_count, const base::WakeEvent& bell, std::optional<int> cpu, WorkerDuty duty)
    : bell_(bell), cpu_(cpu), duty_(std::move(duty)), slots_(slot_count), past_(slot_count) {}

Worker::~Worker() {
  if (!thread_.joinable()) return;
  abandon();
  auto order = std::make_unique<Order>(Order{.kind = Order::Kind::finish});
  while (!orders_.post(order)) std::this_thread::sleep_for(milliseconds(1));  // it takes the one before any moment
  thread_.join();
}

void Worker::start() {
  thread_ = base::start_quiet_thread([this] { run(); });
}

void Worker::run() {
  if (cpu_) (void)base::pin_this_thread(*cpu_);  // checked when the configuration was applied
  while (obey()) {
    receive();
    write_in_order(false);
    watch_output();
    publish_when_due();
  }
}

/// False when the last order is done.
bool Worker::obey() {
  if (auto order = orders_.take()) {
    switch (order->kind) {
      case Order::Kind::install:
        install(*order);
        break;
      case Order::Kind::rotate:
        if (output_) output_->recorder.rotate();
        break;
      case Order::Kind::note:
        note(*order);
        break;
      case Order::Kind::pause:
        shown_.is_paused = true;
        break;
      case Order::Kind::resume:
        shown_.is_paused = false;
        break;
      case Order::Kind::finish:
        finishing_ = std::move(order);
        break;
      case Order::Kind::dump:
        dumping_ = std::move(order);
        break;
    }
    if (order) answer(std::move(order));
  }
  if (dumping_) dump_when_ripe();
  const bool has_ended = !group_ || group_->has_ended() || abandoned_.load(std::memory_order_relaxed);
  if (!finishing_ || !has_ended) return true;
  finish(*finishing_);
  return false;
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
  }
  slots_.swap(order.slots);  // the old ones end with the order, on the manager's thread
  std::vector<Source*> sources;
  slot_of_.clear();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (!slots_[slot] || shown_.slots[slot].has_ended) continue;
    sources.push_back(slots_[slot].get());
    slot_of_.push_back(slot);
  }
  auto group = SourceGroup::create(std::move(sources));
  group_.reset();
  if (group) group_.emplace(std::move(*group));  // no descriptors left: the manager sees slots that get no packets
  finish(order);
  if (duty_.order) {
    order_.emplace(slots_.size(), *duty_.order);
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
      if (std::ranges::find(slot_of_, slot) == slot_of_.end()) order_->end(slot);
    }
  }
  output_has_failed_ = false;
  shown_.failure.set("");
}

/// Puts the output there was into the order's answer, and the order's in its place.
void Worker::finish(Order& order) {
  write_in_order(true);
  if (order_) past_late_ += order_->late_packets();
  order_.reset();
  output_.swap(order.output);
  if (order.output) {
    order.counted_as = order.output->recorder.stats();
    past_recorded_ += order.counted_as;
  }
  if (order.kind != Order::Kind::finish) return;
  for (std::size_t slot = 0; duty_.flight && slot < slots_.size(); ++slot) duty_.flight->forget(slot);
  answer(std::move(finishing_));
}

void Worker::note(const Order& order) {
  if (!output_ || !output_->slots[order.slot]) return;
  const Source& source = *output_->slots[order.slot];
  for (std::uint16_t id = 0; id < source.interface_count(); ++id) {
    if (source.interface(id).index != order.interface_index) continue;
    return output_->recorder.note(output_->source_ids[order.slot], id, order.text);
  }
}

void Worker::receive() {
  if (!group_ || group_->has_ended()) return std::this_thread::sleep_for(longest_wait);
  auto [status, index, batch] = group_->receive(longest_wait);
  is_idle_ = status == ReceiveStatus::timeout;
  if (status == ReceiveStatus::packets) return take(slot_of_[index], std::move(batch));
  if (status == ReceiveStatus::no_credit && duty_.flight) duty_.flight->make_room();
  if (status != ReceiveStatus::end_of_stream) return;
  SlotFigures& slot = shown_.slots[slot_of_[index]];
  slot.has_ended = true;
  if (order_) order_->end(slot_of_[index]);
  slot.has_failed = slots_[slot_of_[index]]->failure() != nullptr;
  publish();
  ring_bell();
}

void Worker::take(std::size_t slot, Batch&& batch) {
  // While its bytes are where they arrived: a recorder may move them.
  if (duty_.lending) duty_.lending->lend(slot, *slots_[slot], batch);
  if (shown_.is_paused) {
    shown_.discarded_paused += batch.size();
    batch.reset();
  } else if (duty_.flight) {
    duty_.flight->hold(slot, *slots_[slot], std::move(batch));
  } else if (order_) {
    order_->add(slot, std::move(batch), std::chrono::steady_clock::now());
  } else if (output_) {
    output_->recorder.write(output_->source_ids[slot], std::move(batch));
  } else {
    if (duty_.writes_files) unrecorded_ += batch.size();
    batch.reset();
  }
}

/// Room for the next batch is made on the way. `all`: waiting for nothing.
void Worker::write_in_order(bool all) {
  if (!order_) return;
  const auto write = [this](std::size_t slot, const Batch& batch, std::uint32_t first, std::uint32_t count) {
    if (output_) {
      output_->recorder.copy(output_->source_ids[slot], batch, first, count);
    } else {
      unrecorded_ += count;
    }
  };
  if (all) {
    order_->emit_all(write);
  } else {
    order_->emit(std::chrono::steady_clock::now(), write);
  }
}

void Worker::watch_output() {
  if (!output_) return;
  output_->recorder.tick();
  if (output_has_failed_ || output_->recorder.failure() == nullptr) return;
  output_has_failed_ = true;  // from now on the recorder counts what it is given as dropped
  shown_.failure.set(output_->recorder.failure()->message());
  publish();
  ring_bell();
}

void Worker::publish_when_due() {
  const auto now = std::chrono::steady_clock::now();
  if (duty_.flight) duty_.flight->expire(now);
  if (now >= publish_due_) {
    publish_due_ = now + publish_interval;
    publish();
  }
}

void Worker::publish() {
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
  shown_.recorded = past_recorded_;
  shown_.recorded.dropped_writer += unrecorded_;
  if (output_) {
    const RecorderStats current = output_->recorder.stats();
    shown_.recorded += current;
    shown_.writer.set(current.writer);
  }
  shown_.late_packets = past_late_ + (order_ ? order_->late_packets() : 0);
  published_.publish(shown_);
}

void Worker::ring_bell() const noexcept {
  bell_.signal();
}

}  // namespace ringtail::daemon
