#include "store/direct_io.hpp"

#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>

namespace ringtail::store {

namespace {

bool states_our_alignment(int descriptor) noexcept {
  struct statx status {};
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) != 0) return false;
  if ((status.stx_mask & STATX_DIOALIGN) == 0) return false;
  const auto divides = [](std::uint32_t wanted) { return wanted != 0 && direct_alignment % wanted == 0; };
  return divides(status.stx_dio_mem_align) && divides(status.stx_dio_offset_align);
}

}  // namespace

base::FileDescriptor open_direct(const OutputFile& file) noexcept {
  if (file.kind != OutputKind::regular || file.start_offset != 0) return {};
  if (!states_our_alignment(file.descriptor.get())) return {};
  // Through /proc it is this very file, whatever has become of its name.
  char path[32] = {};
  std::snprintf(path, sizeof path, "/proc/self/fd/%d", file.descriptor.get());
  return base::FileDescriptor(::open(path, O_WRONLY | O_DIRECT | O_CLOEXEC));
}

}  // namespace ringtail::store
