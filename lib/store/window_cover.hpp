// What stands in a mapped file behind its last finished chunk, where the next one is being encoded: something that
// makes readers stop or skip at every moment, so that a process that is killed leaves no packet that never was.
//
// pcapng: a filler block from the last finished byte, `landed`, up to the end of the file. The chunk is encoded inside
// its body and becomes part of the file by one store:
//
//     landed                                                        end
//     | head: filler, end - landed | trailer of nothing yet ........ | length |     while the chunk is encoded
//     | filler of 12 bytes | chunk | head: filler, the rest ........ | length |     published
//
//   First the rest's head is written, which nobody looks at yet, then the length at the end, then the first filler is
//   shortened to 12 bytes. Only between the last two stores do the filler's lengths disagree.
//
// Classic pcap has nothing that a reader skips. The tail is filled with ones instead: where the next record's head will
// stand is a captured length that every reader refuses (beyond 262,144 bytes), and a record is written data first, head
// last. So a reader stops behind the last whole record, as at a torn one.
//
// Both hold while the file is made longer, too: it grows by pages of ones, or by fillers of a page each, which then
// become one. `new_length` is a multiple of a page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ringtail/recorder.hpp>

namespace ringtail::store {

class WindowCover {
 public:
  explicit WindowCover(FileFormat format) noexcept : is_pcapng_(format == FileFormat::pcapng) {}

  /// In front of every chunk; part of the file when the chunk is.
  [[nodiscard]] std::uint32_t gap_bytes() const noexcept;
  /// What must be left behind a chunk.
  [[nodiscard]] std::uint32_t rest_bytes() const noexcept;

  /// Makes the file, whose finished part ends at `landed` and which is `length` long, `new_length` long, and covers
  /// [landed, new_length). 0 or an errno: then the file's length is anything in between.
  [[nodiscard]] int extend(int descriptor, std::uint64_t landed, std::uint64_t length, std::uint64_t new_length) const;

  /// `tail` maps [landed, end of file) and holds, behind the gap, a finished chunk. Makes it part of the file.
  void publish(std::span<std::byte> tail, std::size_t chunk_bytes) const noexcept;

 private:
  bool is_pcapng_;
};

}  // namespace ringtail::store
