#include "store/recover.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"
#include "pcapfile/pcapng.hpp"
#include "store/file_io.hpp"
#include "store/output_file.hpp"

namespace ringtail::store {

namespace {

using pcapfile::Damage;
using pcapfile::Hole;
namespace pcapng = pcapfile::pcapng;

/// A file, a window at a time. Its size is what it was at the beginning.
class WindowedFile final : public pcapfile::FileBytes {
 public:
  WindowedFile(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size), memory_(window_bytes) {}

  [[nodiscard]] std::uint64_t size() const noexcept override { return size_; }
  [[nodiscard]] std::span<const std::byte> at(std::uint64_t offset, std::size_t wanted) override {
    const std::uint64_t needed_end = std::min<std::uint64_t>(offset + wanted, size_);
    if (offset < begin_ || needed_end > begin_ + used_) refill(offset);
    const std::uint64_t skip = std::min<std::uint64_t>(offset - begin_, used_);
    return std::span<const std::byte>(memory_).subspan(skip, used_ - skip);
  }
  [[nodiscard]] int error_number() const noexcept { return error_number_; }

 private:
  static constexpr std::size_t window_bytes = std::size_t{1} << 20;

  void refill(std::uint64_t offset) {
    begin_ = offset;
    used_ = 0;
    const std::uint64_t end = std::min<std::uint64_t>(begin_ + window_bytes, size_);
    while (begin_ + used_ < end) {
      const ssize_t got =
          ::pread(descriptor_, memory_.data() + used_, end - begin_ - used_, static_cast<off_t>(begin_ + used_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) error_number_ = errno;
      if (got <= 0) return;  // shorter than it was: the walk ends there
      used_ += static_cast<std::size_t>(got);
    }
  }

  int descriptor_;
  std::uint64_t size_;
  std::vector<std::byte> memory_;
  std::uint64_t begin_ = 0;
  std::size_t used_ = 0;
  int error_number_ = 0;
};

/// The two ends of a filler block that covers `bytes`; what lies between stays as it is.
int write_filler(int descriptor, std::uint64_t offset, std::uint32_t bytes, pcapfile::ByteOrder order) {
  std::array<std::byte, sizeof(pcapng::BlockHead)> head;
  std::array<std::byte, pcapng::block_trailer_bytes> trailer;
  // Reading a number in the section's order is the same swap as writing it.
  const auto in_order = [order](std::uint32_t number) {
    return order.u32(reinterpret_cast<const std::byte*>(&number));
  };
  pcapfile::store(head.data(), pcapng::BlockHead{in_order(pcapng::block_type::filler), in_order(bytes)});
  pcapfile::store(trailer.data(), in_order(bytes));
  // The trailer first: until the head is there too, nothing has changed for whoever reads.
  const Written behind = write_all_at(descriptor, trailer, offset + bytes - trailer.size());
  if (behind.error_number != 0) return behind.error_number;
  return write_all_at(descriptor, head, offset).error_number;
}

int fill(int descriptor, const Hole& hole) {
  for (std::uint64_t at = hole.begin; at < hole.end;) {
    std::uint64_t bytes = std::min<std::uint64_t>(hole.end - at, pcapng::largest_filler_bytes);
    const std::uint64_t rest = hole.end - at - bytes;
    if (rest > 0 && rest < pcapng::smallest_block_bytes) bytes -= pcapng::smallest_block_bytes;
    if (const int error = write_filler(descriptor, at, static_cast<std::uint32_t>(bytes), hole.order); error != 0) {
      return error;
    }
    at += bytes;
  }
  return 0;
}

/// Fillers first, on the disk before the file gets shorter.
Result<void> repair(int descriptor, const std::string& path, const Damage& damage) {
  const auto failed = [&path](int error) { return tl::unexpected(system_error("recover " + path, error, path)); };
  for (const Hole& hole : damage.holes) {
    if (const int error = fill(descriptor, hole); error != 0) return failed(error);
  }
  if (::fdatasync(descriptor) != 0) return failed(errno);
  if (::ftruncate(descriptor, static_cast<off_t>(damage.length)) != 0) return failed(errno);
  if (::fdatasync(descriptor) != 0) return failed(errno);
  return {};
}

/// Everything up to the repaired length, but for what stands in holes.
Result<void> copy_whole_parts(WindowedFile& from, int to, const std::string& path, const Damage& damage) {
  constexpr std::size_t step = 4096;
  auto hole = damage.holes.begin();
  for (std::uint64_t offset = 0; offset < damage.length;) {
    if (hole != damage.holes.end() && offset == hole->begin) {
      offset = hole->end;
      ++hole;
      continue;
    }
    const std::uint64_t end = hole != damage.holes.end() ? hole->begin : damage.length;
    std::span<const std::byte> here = from.at(offset, step);
    here = here.first(std::min<std::uint64_t>(here.size(), end - offset));
    if (here.empty()) return tl::unexpected(system_error("copy to " + path, EIO, path));
    const Written written = write_all_at(to, here, offset);
    if (written.error_number != 0) return tl::unexpected(system_error("copy to " + path, written.error_number, path));
    offset += here.size();
  }
  return {};
}

Result<void> copy_repaired(WindowedFile& from, const std::string& path, const Damage& damage) {
  auto copy = open_output(path, false);
  if (!copy) return tl::unexpected(std::move(copy.error()));
  if (!copy->is_ours) return tl::unexpected(make_error("copy to " + path, "it is no file", "choose another name"));
  const int descriptor = copy->descriptor.get();
  return copy_whole_parts(from, descriptor, path, damage).and_then([&] { return repair(descriptor, path, damage); });
}

Error no_recovery(const std::string& path, const std::string& reason, const std::string& remedy = {}) {
  return make_error("recover " + path, reason, remedy);
}

/// False when somebody has the file open for writing. Where that cannot be told it is taken to be nobody.
bool is_written_by_nobody(int descriptor) {
  // A read lease is granted only on a file that nobody may be writing; we want to know, not to keep it.
  if (::fcntl(descriptor, F_SETLEASE, F_RDLCK) == 0) {
    ::fcntl(descriptor, F_SETLEASE, F_UNLCK);
    return true;
  }
  return errno != EAGAIN;
}

Result<base::FileDescriptor> open_for_looking(const std::string& path, std::uint64_t& size) {
  const auto failed = [&path] { return tl::unexpected(system_error("recover " + path, errno, path)); };
  base::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return failed();
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed();
  if (!S_ISREG(status.st_mode)) return tl::unexpected(no_recovery(path, "it is no regular file"));
  if (!is_written_by_nobody(file.get())) {
    return tl::unexpected(no_recovery(path, "another program is writing it", "wait until that has ended"));
  }
  size = static_cast<std::uint64_t>(status.st_size);
  return file;
}

/// The same file again, for writing, unless the name has come to mean another one.
Result<base::FileDescriptor> open_for_repair(const std::string& path, const base::FileDescriptor& looked_at) {
  base::FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return tl::unexpected(system_error("recover " + path, errno, path));
  struct stat before {};
  struct stat now {};
  if (::fstat(looked_at.get(), &before) != 0 || ::fstat(file.get(), &now) != 0 || before.st_ino != now.st_ino ||
      before.st_dev != now.st_dev || before.st_size != now.st_size) {
    return tl::unexpected(no_recovery(path, "it has changed meanwhile", "run it again"));
  }
  return file;
}

bool is_same_file(int descriptor, const std::string& path) {
  struct stat one {};
  struct stat other {};
  return ::fstat(descriptor, &one) == 0 && ::stat(path.c_str(), &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

/// Looks, and changes nothing. Recovery::file_bytes is set.
Result<void> look(WindowedFile& window, const std::string& path, Recovery& recovery) {
  recovery.damage = pcapfile::find_damage(window);
  if (window.error_number() != 0) {
    return tl::unexpected(system_error("recover " + path, window.error_number(), path));
  }
  if (recovery.damage.problem == nullptr) return {};
  for (const Hole& hole : recovery.damage.holes) recovery.filled_bytes += hole.end - hole.begin;
  recovery.cut_bytes = recovery.file_bytes - recovery.damage.length;
  return {};
}

Error describe_beyond_repair(const std::string& path, const Damage& damage) {
  std::string reason = std::string(damage.problem) + " at byte " + std::to_string(damage.offset);
  if (damage.length == 0) return no_recovery(path, reason);
  return no_recovery(path, reason + ", which no crash leaves", "-w OUT copies what stands before it");
}

}  // namespace

Result<Recovery> recover_file(const std::string& path, const RecoverOptions& options) {
  Recovery recovery;
  auto file = open_for_looking(path, recovery.file_bytes);
  if (!file) return tl::unexpected(std::move(file.error()));
  WindowedFile window(file->get(), recovery.file_bytes);
  if (auto looked = look(window, path, recovery); !looked) return tl::unexpected(std::move(looked.error()));
  const Damage& damage = recovery.damage;
  if (!damage.is_repairable && (damage.length == 0 || !options.copy_to)) {
    return tl::unexpected(describe_beyond_repair(path, damage));
  }
  if (options.dry_run) return recovery;
  if (options.copy_to) {
    if (is_same_file(file->get(), *options.copy_to)) {
      return tl::unexpected(no_recovery(path, "the copy would replace the file itself", "leave -w out"));
    }
    if (auto copied = copy_repaired(window, *options.copy_to, damage); !copied) {
      return tl::unexpected(std::move(copied.error()));
    }
  } else if (damage.problem != nullptr) {
    auto writable = open_for_repair(path, *file);
    if (!writable) return tl::unexpected(std::move(writable.error()));
    if (auto repaired = repair(writable->get(), path, damage); !repaired) {
      return tl::unexpected(std::move(repaired.error()));
    }
  }
  return recovery;
}

Result<Recovery> recover_open_file(int descriptor, const std::string& path) {
  Recovery recovery;
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) return tl::unexpected(system_error("recover " + path, errno, path));
  recovery.file_bytes = static_cast<std::uint64_t>(status.st_size);
  WindowedFile window(descriptor, recovery.file_bytes);
  if (auto looked = look(window, path, recovery); !looked) return tl::unexpected(std::move(looked.error()));
  if (recovery.damage.problem == nullptr || !recovery.damage.is_repairable) return recovery;
  if (auto repaired = repair(descriptor, path, recovery.damage); !repaired) {
    return tl::unexpected(std::move(repaired.error()));
  }
  return recovery;
}

}  // namespace ringtail::store
