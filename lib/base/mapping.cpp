#include "base/mapping.hpp"

#include <cerrno>
#include <sys/mman.h>

#include "base/own_process.hpp"
#include "base/sanitizer.hpp"

namespace ringtail::base {

namespace {

Result<std::span<std::byte>> map(std::size_t bytes, int flags, int descriptor, std::size_t offset,
                                 int protection = PROT_READ | PROT_WRITE) {
  void* address = ::mmap(nullptr, bytes, protection, flags, descriptor, static_cast<off_t>(offset));
  if (address == MAP_FAILED) {
    return tl::unexpected(system_error("map " + std::to_string(bytes) + " bytes of memory", errno));
  }
  return std::span<std::byte>{static_cast<std::byte*>(address), bytes};
}

}  // namespace

Result<Mapping> Mapping::anonymous(std::size_t bytes) {
  return map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).map([](auto memory) { return Mapping(memory); });
}

Result<Mapping> Mapping::shared(int descriptor, std::size_t bytes, std::size_t offset, bool populate) {
  const int flags = MAP_SHARED | (populate ? MAP_POPULATE : 0);
  return map(bytes, flags, descriptor, offset).map([](auto memory) { return Mapping(memory); });
}

Result<Mapping> Mapping::shared_read_only(int descriptor, std::size_t bytes) {
  return map(bytes, MAP_SHARED, descriptor, 0, PROT_READ).map([](auto memory) { return Mapping(memory); });
}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    unmap();
    memory_ = std::exchange(other.memory_, {});
    home_ = other.home_;
  }
  return *this;
}

void Mapping::keep_from_children() noexcept {
  if (::madvise(memory_.data(), memory_.size(), MADV_DONTFORK) == 0) home_ = own_process();
}

void Mapping::unmap() noexcept {
  const bool is_here = home_ == 0 || home_ == own_process();
  if (!memory_.empty() && is_here) {
    unpoison(memory_.data(), memory_.size());  // the address may be somebody else's memory next
    ::munmap(memory_.data(), memory_.size());
  }
  memory_ = {};
}

}  // namespace ringtail::base
