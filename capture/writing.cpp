#include "writing.hpp"

#include <utility>

namespace ringtail::daemon {

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

void Writing::write(std::size_t slot, Batch&& batch) {
  if (order_) {
    order_->add(slot, std::move(batch), std::chrono::steady_clock::now());
    emit(false);  // makes room for the next one on the way
  } else if (output_) {
    output_->recorder.write(output_->source_ids[slot], std::move(batch));
  } else {
    unrecorded_ += batch.size();
    batch.reset();
  }
}

void Writing::end(std::size_t slot) {
  if (order_) order_->end(slot);
}

void Writing::obey(Order& order) {
  switch (order.kind) {
    case Order::Kind::install:
      exchange_output(order);
      if (order_options_) order_.emplace(slot_count_, *order_options_);
      output_has_failed_ = false;
      shown_.failure.set("");
      break;
    case Order::Kind::finish:
      exchange_output(order);
      break;
    case Order::Kind::rotate:
      if (output_) output_->recorder.rotate();
      break;
    case Order::Kind::note:
      note(order);
      break;
    case Order::Kind::pause:
    case Order::Kind::resume:
    case Order::Kind::dump:
      break;  // nothing to the files
  }
}

/// Puts the output there was into the order, which becomes the answer, and the order's in its place.
void Writing::exchange_output(Order& order) {
  emit(true);
  if (order_) past_late_ += order_->late_packets();
  order_.reset();
  output_.swap(order.output);
  if (!order.output) return;
  order.counted_as = order.output->recorder.stats();
  past_recorded_ += order.counted_as;
}

void Writing::note(const Order& order) {
  if (!output_ || !output_->slots[order.slot]) return;
  const Source& source = *output_->slots[order.slot];
  for (std::uint16_t id = 0; id < source.interface_count(); ++id) {
    if (source.interface(id).index != order.interface_index) continue;
    return output_->recorder.note(output_->source_ids[order.slot], id, order.text);
  }
}

/// `all`: waiting for nothing.
void Writing::emit(bool all) {
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

void Writing::tick() {
  emit(false);
  if (!output_) return;
  output_->recorder.tick();
  if (output_has_failed_ || output_->recorder.failure() == nullptr) return;
  output_has_failed_ = true;  // from now on the recorder counts what it is given as dropped
  shown_.failure.set(output_->recorder.failure()->message());
  publish();
  bell_.signal();
}

void Writing::publish() {
  shown_.shown_at_ns = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
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

}  // namespace ringtail::daemon
