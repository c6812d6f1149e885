#include "store/seekable_zstd.hpp"

#include <cerrno>
#include <memory>
#include <span>
#include <unistd.h>
#include <vector>
#include <zstd.h>

#include "store/frame_table.hpp"

namespace ringtail::store {

namespace {

constexpr int level = 3;  // zstd's default: some 200 MB/s of one core, half the size and less

struct ContextDeleter {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};

/// As much as there is, up to all of `memory`; -1: errno says why.
ssize_t read_up_to(int descriptor, std::uint64_t offset, std::span<std::byte> memory) {
  std::size_t got = 0;
  while (got < memory.size()) {
    const ssize_t count =
        ::pread(descriptor, memory.data() + got, memory.size() - got, static_cast<off_t>(offset + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(got);
}

bool write_all(int descriptor, std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

Result<std::uint64_t> compress_seekably(int from, int to, const std::string& what, const std::atomic<bool>& give_up) {
  const auto failed = [&what](int error) { return tl::unexpected(system_error("compress " + what, error, what)); };
  const std::unique_ptr<ZSTD_CCtx, ContextDeleter> context(ZSTD_createCCtx());
  if (context == nullptr) return failed(ENOMEM);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);

  std::vector<std::byte> original(zstd_frame_bytes);
  std::vector<std::byte> compressed(ZSTD_compressBound(zstd_frame_bytes));
  std::vector<frame_table::Entry> entries;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  for (;;) {
    if (give_up.load(std::memory_order_relaxed)) return failed(ECANCELED);  // no data comes with it
    const ssize_t got = read_up_to(from, read, original);
    if (got < 0) return failed(errno);
    if (got == 0) break;
    if (entries.size() == frame_table::most_frames) return failed(EFBIG);
    const std::size_t bytes = ZSTD_compress2(context.get(), compressed.data(), compressed.size(), original.data(),
                                             static_cast<std::size_t>(got));
    if (ZSTD_isError(bytes) != 0) return tl::unexpected(make_error("compress " + what, ZSTD_getErrorName(bytes)));
    if (!write_all(to, written, std::span(compressed).first(bytes))) return failed(errno);
    entries.push_back({static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(got)});
    read += static_cast<std::uint64_t>(got);
    written += bytes;
  }
  const auto table = frame_table::make(entries);
  if (!write_all(to, written, table)) return failed(errno);
  return written + table.size();
}

}  // namespace ringtail::store
