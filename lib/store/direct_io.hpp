// Asks for direct I/O: writes that go from our memory to the disk without passing through the page cache.
#pragma once

#include <cstdint>

#include "base/file_descriptor.hpp"
#include "store/output_file.hpp"

namespace ringtail::store {

/// What every direct write is aligned to, in memory and in the file: what ring blocks are laid out for. File systems
/// ask for this or less (ext4, xfs: 512; xfs on a disk with 4096-byte sectors: 4096).
inline constexpr std::uint32_t direct_alignment = 4096;

/// A second descriptor of `file` that bypasses the page cache; not open where that cannot be had. btrfs and tmpfs take
/// O_DIRECT and copy all the same, but state no alignment (statx STATX_DIOALIGN), so they count as having none.
[[nodiscard]] base::FileDescriptor open_direct(const OutputFile& file) noexcept;

}  // namespace ringtail::store
