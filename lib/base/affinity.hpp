// Where threads run and where their memory lies. On a machine with one node everything here is a harmless no-op.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <ringtail/error.hpp>

namespace ringtail::base {

/// The NUMA node of a device ("eth0", "dpdk:0000:03:00.0") as /sys reports it, or -1: virtual device, one node, not
/// known.
[[nodiscard]] int device_numa_node(std::string_view device);
/// The file that says so, if the device has one.
[[nodiscard]] std::string numa_node_file(std::string_view device);

/// CPUs of a node that this process may run on; all allowed CPUs when `node` is negative or has none.
[[nodiscard]] std::vector<int> cpus_of_node(int node);

/// Parses a CPU list as taskset and cpuset(7) write it: "0,2-5".
[[nodiscard]] Result<std::vector<int>> parse_cpu_list(std::string_view text);

/// Binds the calling thread to one CPU.
[[nodiscard]] Result<void> pin_this_thread(int cpu);

/// While it lives, memory that this thread faults in, or has the kernel allocate for it (a packet ring), is preferred
/// from one node. The previous policy comes back at the end. Negative node: does nothing.
class MemoryNodeScope {
 public:
  explicit MemoryNodeScope(int node);
  ~MemoryNodeScope();
  MemoryNodeScope(const MemoryNodeScope&) = delete;
  MemoryNodeScope& operator=(const MemoryNodeScope&) = delete;

 private:
  static constexpr unsigned long max_nodes = 1024;
  static constexpr unsigned long bits_per_word = 8 * sizeof(unsigned long);
  static constexpr unsigned long node_words = max_nodes / bits_per_word;
  bool active_ = false;
  int previous_mode_ = 0;
  unsigned long previous_nodes_[node_words] = {};
};

}  // namespace ringtail::base
