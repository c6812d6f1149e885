// The source that taps another process' DPDK port.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dpdk/host_clock.hpp"
#include "dpdk/mbuf_backend.hpp"
#include "dpdk/stamp_clock.hpp"
#include "dpdk/tap.hpp"
#include "dpdk/tapped_packet.hpp"

namespace ringtail::dpdk {

/// The filter is run here, by the receiving thread, and not in the application as rte_pdump could: a packet's fate is
/// then the same for every source, and nothing of ours runs between an application and its packets but the copying. So
/// the application copies all packets, and what it could not copy is counted as dropped, whether it would have matched
/// or not.
class TapBackend final : public MbufBackend {
 public:
  /// `text`: what follows "dpdk:" in `device`.
  [[nodiscard]] static Result<ringtail::detail::BackendPointer> open(std::string_view device, std::string_view text,
                                                                     const OpenOptions& options);
  ~TapBackend() override;

  void shut_down() noexcept override { tap_->stop(); }
  [[nodiscard]] std::vector<Counter> counters() const override;

 private:
  TapBackend(std::string name, const OpenOptions& options, std::optional<filter::Program> program,
             std::unique_ptr<Tap> tap);

  [[nodiscard]] Fetched fetch(rte_mbuf** mbufs, std::uint32_t most) noexcept override;
  [[nodiscard]] std::uint32_t unwrap_all(rte_mbuf** mbufs, std::uint32_t count) noexcept;
  [[nodiscard]] Described describe_burst(const Fetched& fetched, rte_mbuf** mbufs,
                                         PacketDescriptor* descriptors) noexcept override;
  [[nodiscard]] bool describe_packet(rte_mbuf*& packet, const TappedNote& note, PacketDescriptor& descriptor,
                                     Described& described) noexcept;
  [[nodiscard]] std::optional<Error> breakage() override;
  [[nodiscard]] std::uint32_t begin_draining() noexcept override;
  void add_losses(Stats& stats) const noexcept override;

  std::unique_ptr<Tap> tap_;
  // The receiving thread's.
  HostClock clock_;
  StampClock stamp_clock_;
  std::uint64_t looked_ticks_ = 0;  // the look of this moment
  std::uint64_t empty_ticks_ = 0;   // the last look, when it found nothing; else 0
  std::uint64_t asked_ticks_ = 0;   // when we last saw whether the application lives
};

}  // namespace ringtail::dpdk
