// Finds what a crash leaves behind in a capture file, and says how to make it whole again without inventing anything.
//
//   torn tail     | record | record | rec                 cut behind the last whole record
//   unused tail   | record | record | 0 0 0 0 ... 0       the same: written ahead, never filled (with ones, where our
//                                                         mmap writer makes classic pcap)
//   hole          | block | 0 0 0 0 0 | block | block     pcapng: becomes a filler block, and what follows counts again
//
// A hole is what a power cut makes of writes that reached the disk out of order. It ends at a multiple of 512, the
// least that disks write, and zeros stand in front of its end. Nothing else is taken for one: a captured packet may
// well contain a capture file. Classic pcap has no filler and no way to tell where a record begins, so its holes
// remain.
//
// Input is hostile: every length is checked before it is used, and the walk only ever goes forward.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "pcapfile/bytes.hpp"

namespace ringtail::pcapfile {

/// The bytes of a file, wherever they are.
class FileBytes {
 public:
  virtual ~FileBytes() = default;
  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
  /// What stands from `offset` on: at least `wanted` bytes, 64 KiB at most, or all up to the end of the file; less only
  /// when they cannot be read. `offset` is below size(). Good until the next call.
  [[nodiscard]] virtual std::span<const std::byte> at(std::uint64_t offset, std::size_t wanted) = 0;
};

/// Bytes without a record in the middle of a pcapng file; both ends are multiples of 4, at least 12 bytes apart.
struct Hole {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  ByteOrder order;  ///< of the section around it
};

struct Damage {
  static constexpr std::size_t most_holes = 65'536;

  const char* problem = nullptr;  ///< the first one, for people; null: the file is whole
  std::uint64_t offset = 0;       ///< where that is
  bool is_repairable = true;      ///< false: what stands there is not what a crash leaves
  std::vector<Hole> holes{};      ///< to be filled
  std::uint64_t length = 0;       ///< whole records, filled holes included, end here; the rest is to be cut

  std::uint64_t packets_before = 0;  ///< in front of the first problem
  std::uint64_t packets = 0;         ///< once holes are filled and the rest is cut
};

/// Walks through a file of any format that is read here, from its beginning to its end.
[[nodiscard]] Damage find_damage(FileBytes& bytes);

}  // namespace ringtail::pcapfile
