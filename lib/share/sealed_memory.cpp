#include "share/sealed_memory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringtail::share {

namespace {

constexpr int seals_of_all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

// MFD_NOEXEC_SEAL is new in Linux 6.3, and demanded by some systems since (vm.memfd_noexec).
base::FileDescriptor make_memory(const char* name) {
  constexpr unsigned no_exec_seal = 0x8;  // MFD_NOEXEC_SEAL, linux/memfd.h
  base::FileDescriptor memory(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | no_exec_seal));
  if (!memory.is_open() && errno == EINVAL) {
    memory = base::FileDescriptor(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  }
  return memory;
}

}  // namespace

Result<SealedMemory> SealedMemory::create(const char* name, std::size_t bytes, Writers writers) {
  const std::string operation = "make " + std::to_string(bytes) + " bytes of shared memory";
  base::FileDescriptor descriptor = make_memory(name);
  if (!descriptor.is_open()) return tl::unexpected(system_error(operation, errno, "memfd_create"));
  if (::ftruncate(descriptor.get(), static_cast<off_t>(bytes)) != 0) {
    return tl::unexpected(system_error(operation, errno, "ftruncate"));
  }
  auto memory = base::Mapping::shared(descriptor.get(), bytes);
  if (!memory) return tl::unexpected(std::move(memory.error()));
  const int seals = seals_of_all | (writers == Writers::owner_alone ? F_SEAL_FUTURE_WRITE : 0);
  if (::fcntl(descriptor.get(), F_ADD_SEALS, seals) != 0) {
    return tl::unexpected(system_error(operation, errno, "seal it"));
  }
  return SealedMemory(std::move(descriptor), std::move(*memory));
}

Result<base::Mapping> map_sealed(int descriptor, std::size_t bytes, bool writable) {
  const std::string operation = "map shared memory";
  const int seals = ::fcntl(descriptor, F_GET_SEALS);
  if (seals < 0) return tl::unexpected(system_error(operation, errno, "its seals"));
  if ((seals & F_SEAL_SHRINK) == 0) return tl::unexpected(make_error(operation, "it could be cut short under us"));
  struct stat state = {};
  if (::fstat(descriptor, &state) != 0) return tl::unexpected(system_error(operation, errno));
  if (static_cast<std::size_t>(state.st_size) < bytes) {
    return tl::unexpected(
        make_error(operation, "it has " + std::to_string(state.st_size) + " bytes, not " + std::to_string(bytes)));
  }
  return writable ? base::Mapping::shared(descriptor, bytes) : base::Mapping::shared_read_only(descriptor, bytes);
}

}  // namespace ringtail::share
