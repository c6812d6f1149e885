// The key by which devices spread packets over queues.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringtail::dpdk {

/// With this key Toeplitz gives both directions of a flow the same hash, so that they meet in one queue (Woo and Park,
/// "Scalable TCP Session Monitoring with Symmetric Receive-side Scaling", 2012).
[[nodiscard]] inline std::vector<std::uint8_t> symmetric_key(std::size_t bytes) {
  constexpr std::uint8_t pattern[2] = {0x6d, 0x5a};
  std::vector<std::uint8_t> key(bytes);
  for (std::size_t index = 0; index < bytes; ++index) key[index] = pattern[index % 2];
  return key;
}

}  // namespace ringtail::dpdk
