// The source that a way under test reads: the library's own ring reader on a synthetic ring.
#pragma once

#include <memory>

#include <ringtail/source.hpp>

#include "bench/synthetic_ring.hpp"
#include "ring/backend.hpp"
#include "tpacket/ring_reader.hpp"

namespace ringtail::bench {

/// Reads as the kernel ring's own back end does; instead of polling a socket it sleeps on the shared counter.
class SyntheticBackend final : public detail::Backend, private tpacket::InterfaceResolver {
 public:
  /// `ring` outlives the source and what it lends.
  [[nodiscard]] static Result<Source> open(SyntheticRing& ring);

  ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) override;
  void stop() noexcept override {}  // the parent says when it is over
  void interrupt() noexcept override {}
  void shut_down() noexcept override {}
  Stats stats() override;
  const ring::InterfaceTable& interfaces() const noexcept override { return interfaces_; }
  const Error* failure() const noexcept override { return nullptr; }
  int pollable_descriptor() const noexcept override { return -1; }
  std::string_view name() const noexcept override { return "synthetic"; }
  std::string_view kind() const noexcept override { return "tpacket"; }
  void release(detail::BatchSlot& slot) noexcept override { reader_->release(slot); }

 private:
  explicit SyntheticBackend(SyntheticRing& ring);
  std::uint16_t resolve(std::uint32_t /*interface_index*/, std::uint16_t /*hardware_type*/) override { return 0; }

  SyntheticRing& ring_;
  std::unique_ptr<tpacket::RingReader> reader_;
  ring::InterfaceTable interfaces_;
};

}  // namespace ringtail::bench
