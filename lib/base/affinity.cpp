#include "base/affinity.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <numa.h>
#include <numaif.h>
#include <pthread.h>
#include <sched.h>

namespace ringtail::base {

namespace {

constexpr int highest_cpu = CPU_SETSIZE - 1;

bool numa_is_usable() {
  // numa_available() must come before any other libnuma call (numa(3)).
  static const bool usable = numa_available() >= 0;
  return usable;
}

Error cpu_list_error(std::string_view text) {
  return usage_error("read CPU list '" + std::string(text) + "'", "expected numbers and ranges like 0,2-5",
                     "CPUs go from 0 to " + std::to_string(highest_cpu));
}

bool parse_number(std::string_view text, int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= 0 && value <= highest_cpu;
}

}  // namespace

std::string numa_node_file(std::string_view device) {
  constexpr std::string_view dpdk_prefix = "dpdk:";
  constexpr std::string_view rules_prefix = "rules:";
  if (!device.starts_with(dpdk_prefix)) return "/sys/class/net/" + std::string(device) + "/device/numa_node";
  device.remove_prefix(dpdk_prefix.size());
  if (device.starts_with(rules_prefix)) device.remove_prefix(rules_prefix.size());
  std::string address(device.substr(0, device.find(',')));
  if (std::count(address.begin(), address.end(), ':') == 1) address.insert(0, "0000:");  // its domain was left out
  return "/sys/bus/pci/devices/" + address + "/numa_node";
}

int device_numa_node(std::string_view device) {
  if (!numa_is_usable() || numa_max_node() == 0) return -1;
  std::ifstream file(numa_node_file(device));
  int node = -1;
  file >> node;
  return file ? node : -1;
}

std::vector<int> cpus_of_node(int node) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  sched_getaffinity(0, sizeof allowed, &allowed);
  std::vector<int> all;
  std::vector<int> local;
  for (int cpu = 0; cpu <= highest_cpu; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    all.push_back(cpu);
    if (node >= 0 && numa_is_usable() && numa_node_of_cpu(cpu) == node) local.push_back(cpu);
  }
  return local.empty() ? all : local;
}

Result<std::vector<int>> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const std::size_t dash = part.find('-');
    int first = 0;
    if (!parse_number(part.substr(0, dash), first)) return tl::unexpected(cpu_list_error(text));
    int last = first;
    if (dash != std::string_view::npos && !parse_number(part.substr(dash + 1), last)) {
      return tl::unexpected(cpu_list_error(text));
    }
    if (last < first) return tl::unexpected(cpu_list_error(text));
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return cpus;
}

Result<void> pin_this_thread(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (const int error = pthread_setaffinity_np(pthread_self(), sizeof set, &set); error != 0) {
    return tl::unexpected(system_error("pin thread to CPU " + std::to_string(cpu), error, {},
                                       "choose CPUs that exist and that this process may use (taskset -p)"));
  }
  return {};
}

MemoryNodeScope::MemoryNodeScope(int node) {
  if (node < 0 || !numa_is_usable() || node > numa_max_node()) return;
  if (get_mempolicy(&previous_mode_, previous_nodes_, max_nodes, nullptr, 0) != 0) return;
  unsigned long wanted[node_words] = {};
  const auto bit = static_cast<unsigned long>(node);
  wanted[bit / bits_per_word] = 1UL << (bit % bits_per_word);
  active_ = set_mempolicy(MPOL_PREFERRED, wanted, max_nodes) == 0;
}

MemoryNodeScope::~MemoryNodeScope() {
  if (active_) set_mempolicy(previous_mode_, previous_nodes_, max_nodes);
}

}  // namespace ringtail::base
