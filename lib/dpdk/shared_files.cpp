#include "dpdk/shared_files.hpp"

#include <cstdlib>
#include <filesystem>
#include <rte_eal.h>
#include <rte_memory.h>
#include <string>
#include <unistd.h>

namespace ringtail::dpdk {

namespace {

pid_t owner = 0;  // a child that fork(2) makes of it has no say

/// Memory in no file, or in one that has no name any more, is left as it is: there is nothing to unlink.
int unlink_file_of(const rte_memseg_list* /*list*/, const rte_memseg* segment, void* /*unused*/) {
  const int descriptor = rte_memseg_get_fd_thread_unsafe(segment);
  if (descriptor < 0) return 0;
  std::error_code missing;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), missing);
  if (!missing) ::unlink(path.c_str());
  return 0;
}

void remove_shared_files() {
  if (::getpid() != owner) return;
  rte_memseg_walk(&unlink_file_of, nullptr);
  std::error_code refused;  // root's rights may have been given up
  std::filesystem::remove_all(rte_eal_get_runtime_dir(), refused);
}

}  // namespace

void remove_shared_files_at_exit() {
  owner = ::getpid();
  std::atexit(&remove_shared_files);
}

}  // namespace ringtail::dpdk
