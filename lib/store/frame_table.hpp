// The table at the end of a compressed file that says where its Zstandard frames are, so that it can be read from the
// middle. It stands in a frame of its own, which decompressors skip.
//
//   | 4 MiB of the file, compressed | the next 4 MiB | ...                     | table |
//
// Its layout is zstd's seekable format 0.1.0 (contrib/seekable_format/zstd_seekable_compression_format.md), all numbers
// little-endian:
//
//   0       4       8               8 + 8n           +4   +5      +9
//   | skip  | size  | n x Entry     | n              | 0  | magic |
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ringtail::store::frame_table {

inline constexpr std::uint32_t skippable_magic = 0x184D2A5E;
inline constexpr std::uint32_t footer_magic = 0x8F92EAB1;
inline constexpr std::uint32_t most_frames = 1U << 27;  // ZSTD_SEEKABLE_MAXFRAMES

struct Head {
  std::uint32_t magic;
  std::uint32_t following_bytes;
};
static_assert(sizeof(Head) == 8);

struct Entry {
  std::uint32_t compressed_bytes;
  std::uint32_t original_bytes;
};
static_assert(sizeof(Entry) == 8);

struct [[gnu::packed]] Footer {
  std::uint32_t frames;
  std::uint8_t descriptor;  ///< 0: entries without checksums; every frame ends with one of its own
  std::uint32_t magic;
};
static_assert(sizeof(Footer) == 9 && offsetof(Footer, magic) == 5);

[[nodiscard]] std::vector<std::byte> make(std::span<const Entry> entries);

/// How long the file was that `descriptor` holds compressed. Nothing when there is no table at its end that accounts
/// for the whole of it.
[[nodiscard]] std::optional<std::uint64_t> original_bytes(int descriptor);

}  // namespace ringtail::store::frame_table
