// The capture filter, run on mbufs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <rte_mbuf.h>

#include "filter/program.hpp"

namespace ringtail::dpdk {

/// One thread at a time.
class MbufFilter {
 public:
  /// `program` is compiled for Ethernet frames as they are on the wire, tags in the bytes.
  explicit MbufFilter(filter::Program program);

  /// The packet's tags are in its bytes; it may be in several mbufs.
  [[nodiscard]] bool matches(const rte_mbuf& packet) const noexcept;

  /// Moves the packets that match to the front, in their order, and frees the others. Returns how many match.
  [[nodiscard]] std::uint32_t keep_matching(rte_mbuf** packets, std::uint32_t count) const noexcept;

 private:
  filter::Program program_;
  std::unique_ptr<std::byte[]> gathered_;  // where packets in several mbufs are put together
};

}  // namespace ringtail::dpdk
