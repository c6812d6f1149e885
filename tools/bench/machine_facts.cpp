#include "bench/machine_facts.hpp"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/affinity.hpp"
#include "store/machine.hpp"

namespace ringtail::bench {

namespace {

struct Mount {
  std::string type;
  std::string device;
};

/// The mount with the longest name that `path` begins with: proc(5), /proc/PID/mounts.
Mount mount_of(const std::string& path) {
  Mount found;
  std::size_t longest = 0;
  std::ifstream file("/proc/self/mounts");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string device, directory, type;
    fields >> device >> directory >> type;
    const std::string inside = directory == "/" ? "/" : directory + "/";
    if (directory.size() < longest || !(path + "/").starts_with(inside)) continue;
    longest = directory.size();
    found = {type, device};
  }
  return found;
}

#ifdef __OPTIMIZE__
constexpr bool optimised = true;
#else
constexpr bool optimised = false;
#endif

}  // namespace

Result<MachineFacts> examine_machine(const std::string& directory) {
  char real_path[PATH_MAX];
  struct statvfs status = {};
  if (::realpath(directory.c_str(), real_path) == nullptr || ::statvfs(real_path, &status) != 0) {
    return tl::unexpected(system_error("examine " + directory, errno));
  }
  const Mount mount = mount_of(real_path);
  MachineFacts facts;
  facts.processor = store::machine_hardware();
  facts.processors = base::cpus_of_node(-1).size();
  facts.operating_system = store::machine_operating_system();
  facts.memory_bytes =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  facts.directory = real_path;
  facts.file_system = mount.type;
  facts.device = mount.device;
  facts.free_bytes = status.f_bavail * status.f_frsize;
  facts.optimised = optimised;
  std::ifstream("/proc/loadavg") >> facts.load_average;
  return facts;
}

std::vector<std::string> MachineFacts::warnings() const {
  std::vector<std::string> warnings;
  if (!optimised) warnings.emplace_back("this is a debug build: its figures say nothing");
  if (load_average > 0.5) warnings.emplace_back("the machine is busy: figures of a busy machine are not worth much");
  if (file_system == "tmpfs" || file_system == "ramfs") {
    warnings.emplace_back(directory + " lies in memory (" + file_system + "): no disk is measured");
  }
  if (processors < 2) warnings.emplace_back("there is only one CPU: sender and contestant share it");
  return warnings;
}

}  // namespace ringtail::bench
