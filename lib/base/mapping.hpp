// Mapped memory with an owner.
#pragma once

#include <cstddef>
#include <span>
#include <sys/types.h>
#include <utility>

#include <ringtail/error.hpp>

namespace ringtail::base {

/// Owns an mmap'd range and unmaps it. Move-only.
class Mapping {
 public:
  Mapping() noexcept = default;
  Mapping(Mapping&& other) noexcept : memory_(std::exchange(other.memory_, {})), home_(other.home_) {}
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { unmap(); }

  /// Zeroed private memory, page aligned, touched page by page on first use. `bytes` > 0.
  [[nodiscard]] static Result<Mapping> anonymous(std::size_t bytes);

  /// A shared, writable mapping of `descriptor` (a ring, a file window). `offset` is page aligned. `populate` maps all
  /// pages at once instead of one fault each.
  [[nodiscard]] static Result<Mapping> shared(int descriptor, std::size_t bytes, std::size_t offset = 0,
                                              bool populate = false);

  /// The same without the right to write: a store through data() is SIGSEGV.
  [[nodiscard]] static Result<Mapping> shared_read_only(int descriptor, std::size_t bytes);

  /// Children made by fork(2) do not get it from now on, and so do not keep alive what it maps: there an access is
  /// SIGSEGV, and unmap() leaves alone whatever lies at the address.
  void keep_from_children() noexcept;

  [[nodiscard]] std::byte* data() const noexcept { return memory_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return memory_.size(); }
  [[nodiscard]] std::span<std::byte> memory() const noexcept { return memory_; }
  void unmap() noexcept;

 private:
  explicit Mapping(std::span<std::byte> memory) noexcept : memory_(memory) {}
  std::span<std::byte> memory_;
  pid_t home_ = 0;  // the process that has it; 0: children, too
};

}  // namespace ringtail::base
