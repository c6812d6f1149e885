#include "store/frame_table.hpp"

#include <bit>
#include <sys/stat.h>
#include <unistd.h>

namespace ringtail::store::frame_table {

namespace {

static_assert(std::endian::native == std::endian::little, "tables are written as they are in memory");

template <typename Part>
bool read_part(int descriptor, std::uint64_t offset, Part& part) {
  return ::pread(descriptor, &part, sizeof part, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof part);
}

}  // namespace

std::vector<std::byte> make(std::span<const Entry> entries) {
  const Head head{.magic = skippable_magic,
                  .following_bytes = static_cast<std::uint32_t>(entries.size_bytes() + sizeof(Footer))};
  const Footer footer{.frames = static_cast<std::uint32_t>(entries.size()), .descriptor = 0, .magic = footer_magic};
  std::vector<std::byte> table;
  for (const auto part :
       {std::as_bytes(std::span(&head, 1)), std::as_bytes(entries), std::as_bytes(std::span(&footer, 1))}) {
    table.insert(table.end(), part.begin(), part.end());
  }
  return table;
}

std::optional<std::uint64_t> original_bytes(int descriptor) {
  struct stat status {};
  Footer footer{};
  if (::fstat(descriptor, &status) != 0 || status.st_size < static_cast<off_t>(sizeof footer)) return std::nullopt;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (!read_part(descriptor, size - sizeof footer, footer)) return std::nullopt;
  if (footer.magic != footer_magic || footer.descriptor != 0 || footer.frames > most_frames) return std::nullopt;
  const std::uint64_t table = sizeof(Head) + std::uint64_t{footer.frames} * sizeof(Entry) + sizeof footer;
  if (table > size) return std::nullopt;
  std::uint64_t compressed = 0;
  std::uint64_t original = 0;
  for (std::uint64_t at = size - table + sizeof(Head); at < size - sizeof footer; at += sizeof(Entry)) {
    Entry entry{};
    if (!read_part(descriptor, at, entry)) return std::nullopt;
    compressed += entry.compressed_bytes;
    original += entry.original_bytes;
  }
  return compressed + table == size ? std::optional(original) : std::nullopt;
}

}  // namespace ringtail::store::frame_table
