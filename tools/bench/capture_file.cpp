#include "bench/capture_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "base/file_descriptor.hpp"
#include "pcapfile/parser.hpp"

namespace ringtail::bench {

namespace {

constexpr std::size_t piece_bytes = std::size_t{4} << 20;
constexpr std::size_t largest_record_bytes = std::size_t{1} << 20;

Result<base::FileDescriptor> open_to_read(const std::string& path) {
  base::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return tl::unexpected(system_error("read " + path, errno));
  return file;
}

/// Bytes of a file that have been read and not been consumed.
class Window {
 public:
  explicit Window(const base::FileDescriptor& file) : file_(file), memory_(piece_bytes) {}

  [[nodiscard]] std::span<const std::byte> bytes() const { return std::span(memory_).subspan(begin_, end_ - begin_); }
  void consume(std::size_t bytes) { begin_ += bytes; }

  /// Reads on. False at the end of the file, or when it cannot be read.
  [[nodiscard]] bool refill() {
    std::memmove(memory_.data(), memory_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const ssize_t got = ::read(file_.get(), memory_.data() + end_, memory_.size() - end_);
    if (got > 0) end_ += static_cast<std::size_t>(got);
    return got > 0;
  }

 private:
  const base::FileDescriptor& file_;
  std::vector<std::byte> memory_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace

Result<FileContents> read_capture_file(const std::string& path) {
  const auto file = open_to_read(path);
  if (!file) return tl::unexpected(file.error());
  FileContents contents;
  Window window(*file);
  pcapfile::Parser parser(largest_record_bytes);
  std::array<PacketDescriptor, 256> descriptors;
  for (;;) {
    const pcapfile::Progress progress = parser.parse(window.bytes(), 0, descriptors);
    contents.packets += progress.packets;
    for (const PacketDescriptor& packet : std::span(descriptors).first(progress.packets)) {
      contents.captured_bytes += packet.captured_length;
    }
    window.consume(progress.consumed_bytes);
    if (progress.pause == pcapfile::Pause::interface) parser.accept_interface(0);
    if (progress.pause == pcapfile::Pause::more_bytes && !window.refill()) return contents;
    if (progress.pause == pcapfile::Pause::damage) {
      const std::string where = " at byte " + std::to_string(parser.position());
      return tl::unexpected(make_error("read " + path, progress.problem + where));
    }
  }
}

Result<FileState> inspect_file(const std::string& path) {
  const auto file = open_to_read(path);
  if (!file) return tl::unexpected(file.error());
  struct stat status = {};
  if (::fstat(file->get(), &status) != 0) return tl::unexpected(system_error("inspect " + path, errno));
  FileState state;
  state.bytes = static_cast<std::uint64_t>(status.st_size);
  if (state.bytes == 0) return state;
  void* const memory = ::mmap(nullptr, state.bytes, PROT_READ, MAP_SHARED, file->get(), 0);
  if (memory == MAP_FAILED) return tl::unexpected(system_error("inspect " + path, errno, "map"));
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages((state.bytes + page_bytes - 1) / page_bytes);
  if (::mincore(memory, state.bytes, pages.data()) == 0) {
    const auto cached = std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; });
    state.cached_bytes = std::min(state.bytes, static_cast<std::uint64_t>(cached) * page_bytes);
  }
  ::munmap(memory, state.bytes);
  return state;
}

Result<void> sync_file(const std::string& path) {
  const auto file = open_to_read(path);
  if (!file) return tl::unexpected(file.error());
  if (::fdatasync(file->get()) != 0) return tl::unexpected(system_error("sync " + path, errno));
  return {};
}

}  // namespace ringtail::bench
