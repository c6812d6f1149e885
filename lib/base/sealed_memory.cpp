#include "base/sealed_memory.hpp"

#include <bit>
#include <cerrno>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace ringtail::base {

namespace {

constexpr int seals_of_all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// As hugetlb_encode.h has it: the size's logarithm above the other flags.
unsigned page_flags(std::size_t huge_page_bytes) {
  if (huge_page_bytes == 0) return 0;
  return MFD_HUGETLB | static_cast<unsigned>(std::countr_zero(huge_page_bytes)) << MFD_HUGE_SHIFT;
}

// MFD_NOEXEC_SEAL is new in Linux 6.3, and demanded by some systems since (vm.memfd_noexec).
FileDescriptor make_memory(const char* name, std::size_t huge_page_bytes) {
  constexpr unsigned no_exec_seal = 0x8;  // MFD_NOEXEC_SEAL, linux/memfd.h
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | page_flags(huge_page_bytes);
  FileDescriptor memory(::memfd_create(name, flags | no_exec_seal));
  if (!memory.is_open() && errno == EINVAL) memory = FileDescriptor(::memfd_create(name, flags));
  return memory;
}

/// A hole that somebody punches into usual pages reads as zeros. In huge pages it is SIGBUS when none is free
/// (hugetlb_fault(), mm/hugetlb.c). Two seals keep everybody from it (hugetlbfs_punch_hole(), fs/hugetlbfs/inode.c);
/// what we are to write cannot have them, so that must be of usual pages.
Result<void> check_for_holes(int descriptor, int seals, bool writable, const std::string& operation) {
  bool is_safe = (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0;
  if (writable) {
    struct statfs filesystem = {};
    if (::fstatfs(descriptor, &filesystem) != 0) return tl::unexpected(system_error(operation, errno));
    is_safe = filesystem.f_type == TMPFS_MAGIC;
  }
  if (is_safe) return {};
  return tl::unexpected(make_error(operation, "holes could be punched into it under us"));
}

/// What the descriptor of a stranger's memory has, once it is seen to stay so. Error: it is not sealed.
Result<std::size_t> sealed_bytes(int descriptor, bool writable, const std::string& operation) {
  const int seals = ::fcntl(descriptor, F_GET_SEALS);
  if (seals < 0) return tl::unexpected(system_error(operation, errno, "its seals"));
  if ((seals & F_SEAL_SHRINK) == 0) return tl::unexpected(make_error(operation, "it could be cut short under us"));
  if (auto safe = check_for_holes(descriptor, seals, writable, operation); !safe) {
    return tl::unexpected(safe.error());
  }
  struct stat state = {};
  if (::fstat(descriptor, &state) != 0) return tl::unexpected(system_error(operation, errno));
  return static_cast<std::size_t>(state.st_size);
}

constexpr const char* mapping = "map shared memory";

}  // namespace

Result<SealedMemory> SealedMemory::create(const char* name, std::size_t bytes, Writers writers,
                                          std::size_t huge_page_bytes) {
  const std::string operation = "make " + std::to_string(bytes) + " bytes of shared memory";
  FileDescriptor descriptor = make_memory(name, huge_page_bytes);
  if (!descriptor.is_open()) return tl::unexpected(system_error(operation, errno, "memfd_create"));
  if (::ftruncate(descriptor.get(), static_cast<off_t>(bytes)) != 0) {
    return tl::unexpected(system_error(operation, errno, "ftruncate"));
  }
  struct stat state = {};
  if (::fstat(descriptor.get(), &state) != 0) return tl::unexpected(system_error(operation, errno));
  auto memory = Mapping::shared(descriptor.get(), bytes);
  if (!memory) return tl::unexpected(std::move(memory.error()));
  const int seals = seals_of_all | (writers == Writers::owner_alone ? F_SEAL_FUTURE_WRITE : 0);
  if (::fcntl(descriptor.get(), F_ADD_SEALS, seals) != 0) {
    return tl::unexpected(system_error(operation, errno, "seal it"));
  }
  return SealedMemory(std::move(descriptor), std::move(*memory), state.st_ino);
}

Result<Mapping> map_sealed(int descriptor, std::size_t bytes, bool writable) {
  const auto there = sealed_bytes(descriptor, writable, mapping);
  if (!there) return tl::unexpected(there.error());
  if (*there < bytes) {
    return tl::unexpected(
        make_error(mapping, "it has " + std::to_string(*there) + " bytes, not " + std::to_string(bytes)));
  }
  return writable ? Mapping::shared(descriptor, bytes) : Mapping::shared_read_only(descriptor, bytes);
}

Result<Mapping> map_all_sealed(int descriptor) {
  const auto there = sealed_bytes(descriptor, false, mapping);
  if (!there) return tl::unexpected(there.error());
  return Mapping::shared_read_only(descriptor, *there);
}

}  // namespace ringtail::base
