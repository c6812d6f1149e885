#include "dpdk/pool_memory.hpp"

#include <algorithm>
#include <optional>
#include <rte_errno.h>
#include <rte_memory.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/affinity.hpp"
#include "dpdk/eal.hpp"
#include "dpdk/huge_pages.hpp"
#include "dpdk/mbuf_pool.hpp"

namespace ringtail::dpdk {

namespace {

/// DPDK keeps an mbuf within a huge page, for devices know memory by its pages. Usual pages are for virtual devices
/// only, and there mbufs lie as they come.
std::size_t bytes_of(std::uint32_t mbufs, std::uint32_t data_bytes, std::size_t page_bytes, bool is_huge) {
  const std::size_t each = mbuf_bytes(data_bytes);
  const std::size_t per_page = is_huge && each <= page_bytes ? page_bytes / each : 0;
  const std::size_t bytes = per_page == 0 ? mbufs * each : (mbufs + per_page - 1) / per_page * page_bytes;
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

struct Plan {
  std::size_t bytes = 0;
  std::size_t large_bytes = 0;
  std::size_t page_bytes = 0;
};

Plan plan_for(const PoolSizes& sizes, std::size_t page_bytes, bool is_huge) {
  return {.bytes = bytes_of(sizes.mbufs, sizes.data_bytes, page_bytes, is_huge),
          .large_bytes = bytes_of(sizes.large_mbufs, sizes.large_data_bytes, page_bytes, is_huge),
          .page_bytes = page_bytes};
}

/// The smallest huge pages of which there are enough, for they fit best. Nothing: there are not.
std::optional<Plan> plan_huge(const PoolSizes& sizes) {
  const auto page_sizes = read_huge_pages();
  for (auto size = page_sizes.rbegin(); size != page_sizes.rend(); ++size) {
    const Plan plan = plan_for(sizes, size->page_bytes, true);
    if (size->available * size->page_bytes >= plan.bytes + plan.large_bytes) return plan;
  }
  return std::nullopt;
}

Error dpdk_error(const char* what) {
  Error error = make_error("make memory for packets", std::string(what) + ": " + rte_strerror(rte_errno));
  error.error_number = rte_errno;
  return error;
}

}  // namespace

Result<PoolMemory> PoolMemory::create(const PoolSizes& sizes, int socket) {
  const bool is_huge = eal_has_huge_pages();
  const auto plan = is_huge ? plan_huge(sizes) : plan_for(sizes, static_cast<std::size_t>(::getpagesize()), false);
  if (!plan) return tl::unexpected(make_error("make memory for packets", "too few huge pages are free"));
  const base::MemoryNodeScope placement(socket);
  auto memory = base::SealedMemory::create("ringtail-mbufs", plan->bytes + plan->large_bytes,
                                           base::Writers::owner_alone, is_huge ? plan->page_bytes : 0);
  if (!memory) return tl::unexpected(std::move(memory.error()));
  for (std::size_t at = 0; at < memory->size(); at += plan->page_bytes) memory->data()[at] = std::byte{0};
  return PoolMemory(std::move(*memory), plan->page_bytes, plan->bytes);
}

/// Not where it is not needed: net_virtio_user shows its peer all memory that DPDK knows, and fails over some that has
/// no descriptor of DPDK's (drivers/net/virtio/virtio_user/vhost_user.c, update_memory_region()).
Result<void> PoolMemory::register_with_dpdk() {
  std::vector<rte_iova_t> addresses;
  for (std::size_t at = 0; at < memory_.size(); at += page_bytes_) {
    addresses.push_back(rte_mem_virt2iova(memory_.data() + at));
  }
  const int status = rte_extmem_register(memory_.data(), memory_.size(), addresses.data(),
                                         static_cast<unsigned>(addresses.size()), page_bytes_);
  if (status != 0) return tl::unexpected(dpdk_error("DPDK does not take it"));
  is_registered_ = true;
  return {};
}

Result<void> PoolMemory::map_for(rte_device& device) {
  if (!eal_has_huge_pages()) return tl::unexpected(make_error("lend a device's packets", "this needs huge pages"));
  if (auto known = register_with_dpdk(); !known) return known;
  std::size_t mapped = 0;
  for (; mapped < memory_.size(); mapped += page_bytes_) {
    std::byte* const page = memory_.data() + mapped;
    if (rte_dev_dma_map(&device, page, rte_mem_virt2iova(page), page_bytes_) == 0) continue;
    if (mapped == 0 && rte_errno == ENOTSUP) return {};  // there is no IOMMU, or the driver looks after it
    Error error = dpdk_error("the device cannot be let write there");
    for (; mapped > 0; mapped -= page_bytes_) {
      std::byte* const before = memory_.data() + mapped - page_bytes_;
      rte_dev_dma_unmap(&device, before, rte_mem_virt2iova(before), page_bytes_);
    }
    return tl::unexpected(std::move(error));
  }
  device_ = &device;
  return {};
}

void PoolMemory::unmap() noexcept {
  if (device_ == nullptr) return;
  for (std::size_t at = 0; at < memory_.size(); at += page_bytes_) {
    std::byte* const page = memory_.data() + at;
    rte_dev_dma_unmap(device_, page, rte_mem_virt2iova(page), page_bytes_);
  }
  device_ = nullptr;
}

PoolMemory::~PoolMemory() {
  if (is_registered_) rte_extmem_unregister(memory_.data(), memory_.size());
}

}  // namespace ringtail::dpdk
