// The source that owns a DPDK port: its packets still lie in the mbufs the device wrote them to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dpdk/mbuf_backend.hpp"
#include "dpdk/port_claim.hpp"
#include "dpdk/receive_clock.hpp"

namespace ringtail::dpdk {

struct BurstContext;

class PortBackend final : public MbufBackend {
 public:
  /// `text`: what follows "dpdk:" in `device`. Starts DPDK the first time.
  [[nodiscard]] static Result<ringtail::detail::BackendPointer> open(std::string_view device, std::string_view text,
                                                                     const OpenOptions& options);
  ~PortBackend() override;

  void shut_down() noexcept override { claim_.stop(); }
  [[nodiscard]] std::vector<Counter> counters() const override;

 private:
  PortBackend(std::string name, const OpenOptions& options, std::optional<filter::Program> program, PortClaim claim);

  [[nodiscard]] Fetched fetch(rte_mbuf** mbufs, std::uint32_t most) noexcept override;
  void fetch_queue(std::uint16_t queue, rte_mbuf** mbufs, std::uint32_t most, Fetched& fetched) noexcept;
  [[nodiscard]] Described describe_burst(const Fetched& fetched, rte_mbuf** mbufs,
                                         PacketDescriptor* descriptors) noexcept override;
  [[nodiscard]] std::optional<Error> breakage() override;
  [[nodiscard]] std::uint32_t begin_draining() noexcept override;
  void ended() noexcept override { claim_.end(); }
  void add_losses(Stats& stats) const noexcept override { stats.dropped_interface = port_counters().total(); }
  [[nodiscard]] PortCounters port_counters() const noexcept;

  PortClaim claim_;
  ReceiveClock clock_;            // the receiving thread's
  std::uint16_t next_queue_ = 0;  // the receiving thread's
};

}  // namespace ringtail::dpdk
