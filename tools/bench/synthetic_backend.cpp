#include "bench/synthetic_backend.hpp"

#include <thread>

#include "base/deadline.hpp"

namespace ringtail::bench {

Result<Source> SyntheticBackend::open(SyntheticRing& ring) {
  std::unique_ptr<SyntheticBackend, detail::BackendDeleter> backend(new SyntheticBackend(ring));
  const OpenOptions defaults;
  auto reader =
      tpacket::RingReader::create(*backend, *backend, ring.memory(), ring.geometry(), defaults.batch_packets, false);
  if (!reader) return tl::unexpected(std::move(reader.error()));
  backend->reader_ = std::make_unique<tpacket::RingReader>(std::move(*reader));
  return Source(std::move(backend));
}

SyntheticBackend::SyntheticBackend(SyntheticRing& ring) : ring_(ring) {
  Interface interface;
  interface.name = "synthetic0";
  interface.index = 1;
  interface.snaplen = ring.geometry().snaplen;
  interface.link_type = link_type::ethernet;
  interfaces_.add(std::move(interface));
}

ReceiveStatus SyntheticBackend::receive(std::chrono::nanoseconds timeout, Batch& batch) {
  const base::Deadline deadline = base::Deadline::after(timeout);
  for (;;) {
    const bool finished = ring_.control().finished.load(std::memory_order_acquire) != 0;         // pairs with feed()
    const std::uint32_t filled = ring_.control().filled_blocks.load(std::memory_order_acquire);  // pairs with feed()
    detail::BatchSlot* slot = nullptr;
    std::uint64_t captured_bytes = 0;
    const tpacket::Look seen = reader_->next(slot, captured_bytes);
    if (seen == tpacket::Look::packets) {
      batch = lend(*slot, captured_bytes);
      return ReceiveStatus::packets;
    }
    if (finished && seen == tpacket::Look::nothing) return ReceiveStatus::end_of_stream;
    if (seen == tpacket::Look::held) {  // by writes in flight: the caller has to reap them
      std::this_thread::sleep_for(std::chrono::microseconds(100));
      return ReceiveStatus::no_credit;
    }
    if (deadline.has_passed()) return ReceiveStatus::timeout;
    ring_.wait(filled, deadline.remaining(std::chrono::milliseconds(100)));
  }
}

Stats SyntheticBackend::stats() {
  Stats stats;
  add_delivery(stats);
  stats.received = stats.delivered;
  stats.malformed = reader_->malformed();
  return stats;
}

}  // namespace ringtail::bench
