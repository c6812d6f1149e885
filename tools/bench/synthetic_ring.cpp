#include "bench/synthetic_ring.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <linux/futex.h>
#include <new>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "tpacket/block.hpp"

namespace ringtail::bench {

namespace {

constexpr std::uint32_t ethernet_bytes = 14;
// The kernel looks at a block that has not been retired for so long; 65,535 is as much as old kernels can count. No
// ring lives that long here.
constexpr std::uint32_t longest_retire_timeout_ms = 65'535;
constexpr std::uint32_t loopback_index = 1;  // the first interface of every network namespace

Result<base::Mapping> share_memory(std::size_t bytes) {
  const base::FileDescriptor file(::memfd_create("bench", MFD_CLOEXEC));
  if (!file.is_open() || ::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    return tl::unexpected(system_error("make a ring", errno, "shared memory"));
  }
  return base::Mapping::shared(file.get(), bytes, 0, true);
}

std::atomic_ref<std::uint32_t> status_of(std::byte* block) {
  return std::atomic_ref<std::uint32_t>(reinterpret_cast<tpacket_block_desc*>(block)->hdr.bh1.block_status);
}

// Atomics of the standard library wait and wake within one process only, hence futex(2) itself.
std::uint32_t* futex_word(std::atomic<std::uint32_t>& word) {
  return reinterpret_cast<std::uint32_t*>(&word);
}

}  // namespace

Result<SyntheticRing> SyntheticRing::create(std::uint32_t ring_mib) {
  OpenOptions options;
  options.block_bytes = block_bytes;
  options.buffer_bytes = std::size_t{ring_mib} << 20;
  const auto geometry = tpacket::compute_geometry(options, ethernet_bytes);
  if (!geometry) return tl::unexpected(geometry.error());
  SyntheticRing ring;
  ring.geometry_ = *geometry;
  ring.geometry_.retire_timeout_ms = longest_retire_timeout_ms;

  auto shared = share_memory(sizeof(RingControl));
  if (!shared) return tl::unexpected(std::move(shared.error()));
  ring.shared_ = std::move(*shared);
  new (ring.shared_.data()) RingControl;

  tpacket::SocketSettings settings;
  settings.device = "a ring that hears nothing";
  settings.interface_index = loopback_index;
  settings.geometry = ring.geometry_;
  settings.filter = tpacket::drop_all();
  settings.promiscuous = false;
  if (auto socket = tpacket::PacketSocket::open(std::move(settings))) {
    ring.socket_.emplace(std::move(*socket));
    ring.memory_ = ring.socket_->ring();
    ring.kind_ = "pages of a real AF_PACKET ring";
    return ring;
  } else {
    ring.kind_ = "shared memory, not an AF_PACKET ring (" + socket.error().reason + ")";
  }
  auto memory = share_memory(ring.geometry_.ring_bytes());
  if (!memory) return tl::unexpected(std::move(memory.error()));
  ring.own_memory_ = std::move(*memory);
  ring.memory_ = ring.own_memory_.memory();
  return ring;
}

void SyntheticRing::feed(const RingImage& image, std::uint64_t blocks, const ChildProcess& child) {
  for (std::uint64_t sequence = 0; sequence < blocks; ++sequence) {
    std::byte* const block = memory_.data() + (sequence % geometry_.block_count) * std::size_t{geometry_.block_bytes};
    if (!wait_for_free(block, child)) break;
    const auto& filled = image.block(sequence).bytes;
    std::memcpy(block, filled.data(), filled.size());
    status_of(block).store(TP_STATUS_USER, std::memory_order_release);  // pairs with BlockHeader::is_ours()
    control().filled_blocks.fetch_add(1, std::memory_order_release);    // pairs with the child's load before it looks
    wake_child();
  }
  control().finished.store(1, std::memory_order_release);  // pairs with the child's load: it has seen all blocks
  control().filled_blocks.fetch_add(1, std::memory_order_release);
  wake_child();
}

bool SyntheticRing::wait_for_free(std::byte* block, const ChildProcess& child) const noexcept {
  using namespace std::chrono_literals;
  while (status_of(block).load(std::memory_order_acquire) != TP_STATUS_KERNEL) {  // pairs with give_back()
    if (child.has_ended()) return false;
    std::this_thread::sleep_for(50us);
  }
  return true;
}

void SyntheticRing::wake_child() const noexcept {
  ::syscall(SYS_futex, futex_word(control().filled_blocks), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void SyntheticRing::wait(std::uint32_t filled_before, std::chrono::nanoseconds timeout) const noexcept {
  const timespec time = {.tv_sec = static_cast<time_t>(timeout.count() / 1'000'000'000),
                         .tv_nsec = static_cast<long>(timeout.count() % 1'000'000'000)};
  ::syscall(SYS_futex, futex_word(control().filled_blocks), FUTEX_WAIT, filled_before, &time, nullptr, 0);
}

}  // namespace ringtail::bench
