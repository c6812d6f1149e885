#include "dpdk/mbuf_filter.hpp"

#include <algorithm>
#include <rte_prefetch.h>
#include <utility>

#include "dpdk/unify.hpp"

namespace ringtail::dpdk {

namespace {

constexpr std::uint32_t most_gathered_bytes = filter::default_snaplen;
constexpr std::uint32_t prefetch_ahead = 4;  // headers on their way to the cache while earlier packets are judged

}  // namespace

MbufFilter::MbufFilter(filter::Program program)
    : program_(std::move(program)), gathered_(std::make_unique_for_overwrite<std::byte[]>(most_gathered_bytes)) {}

bool MbufFilter::matches(const rte_mbuf& packet) const noexcept {
  const std::uint32_t bytes = std::min(packet.pkt_len, most_gathered_bytes);
  // A packet in one mbuf is looked at where it lies.
  const auto* start = static_cast<const std::byte*>(rte_pktmbuf_read(&packet, 0, bytes, gathered_.get()));
  return program_.matches({start, bytes}, packet.pkt_len);
}

std::uint32_t MbufFilter::keep_matching(rte_mbuf** packets, std::uint32_t count) const noexcept {
  std::uint32_t kept = 0;
  for (std::uint32_t index = 0; index < count; ++index) {
    if (index + prefetch_ahead < count) rte_prefetch0(rte_pktmbuf_mtod(packets[index + prefetch_ahead], const void*));
    rte_mbuf* packet = packets[index];
    if (lacks_tags(*packet)) [[unlikely]]
      put_tags_back(*packet);
    if (matches(*packet)) {
      packets[kept++] = packet;
    } else {
      rte_pktmbuf_free(packet);
    }
  }
  return kept;
}

}  // namespace ringtail::dpdk
