// Keeps what a growing file has in memory and not yet on the disk small, for writers that go through the page cache.
//
//     file   0                  done              started            end
//            | on the disk      | being written   | dirty, < 8 MiB   |
//
// Left alone the kernel gathers dirty pages up to a share of all memory and then makes the writer wait for long (sysctl
// vm.dirty_ratio). So write-back is started whenever a step is full, and the one before is waited for: at most two
// steps are out, the disk is always busy, and a disk slower than the link is felt at once, where losses are counted.
#pragma once

#include <cstdint>

namespace ringtail::store {

class WriteBehind {
 public:
  static constexpr std::uint64_t step_bytes = 8 << 20;

  /// The regular file is finished up to `end`. 0, or the errno of a write-back that failed: it is reported once, so it
  /// is the last word on the file. File systems that cannot do this are left alone.
  [[nodiscard]] int advance(int descriptor, std::uint64_t end) noexcept;

 private:
  std::uint64_t done_ = 0;
  std::uint64_t started_ = 0;
  bool is_possible_ = true;
};

}  // namespace ringtail::store
