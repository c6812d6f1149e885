// The file as memory: packets are encoded straight into a window of it.
//
//     file    0                        landed            landed + 2 MiB
//             | finished chunks ...... | window: the next chunk is encoded here, covered (window_cover.hpp)
//
// The window follows the end of the file, of which everything else is left to the kernel. A flush cuts the file to its
// exact length and lets the window go, so on a slow link the file is as long as what it holds. Room is taken before it
// is mapped; where that cannot be had (a full disk, a limit), chunks come in staging buffers and ordinary writes go on
// to the very end. Somebody who shortens the file meanwhile is a failure like any other (file_window.hpp).
#pragma once

#include "store/file_window.hpp"
#include "store/sink.hpp"
#include "store/window_cover.hpp"

namespace ringtail::store {

class MmapSink final : public Sink {
 public:
  /// A regular file that we have read and write access to, from its beginning.
  [[nodiscard]] static bool can_map(const OutputFile& file) noexcept;
  MmapSink(OutputFile file, FileFormat format) noexcept : Sink(std::move(file), format), cover_(format) {}
  ~MmapSink() override { finish(); }

  [[nodiscard]] std::string_view name() const noexcept override { return "mmap"; }
  [[nodiscard]] bool has_memory() const noexcept override { return true; }
  [[nodiscard]] std::span<std::byte> window() noexcept override;
  [[nodiscard]] std::uint32_t window_gap_bytes() const noexcept override { return cover_.gap_bytes(); }
  void submit(Chunk&& chunk) override;
  void flush() override { shorten(); }
  void sync() override { sync_descriptor(); }
  void finish() override;

 private:
  [[nodiscard]] std::span<std::byte> tail() const noexcept;  // of the window, from landed_ on
  [[nodiscard]] bool open_window();
  void publish(const Chunk& chunk);
  void write(const Chunk& chunk);
  void shorten();
  [[nodiscard]] bool is_whole() const noexcept;
  [[nodiscard]] std::uint64_t file_bytes() const noexcept;
  void give_up();

  WindowCover cover_;
  FileWindow window_;
  std::uint64_t window_offset_ = 0;
  std::uint64_t length_ = 0;  // of the file, where it is longer than what has landed
  bool can_grow_ = true;      // false after a window could not be had
};

}  // namespace ringtail::store
