#include "bench/usage.hpp"

#include <cctype>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <unistd.h>

namespace ringtail::bench {

ProcessUsage to_usage(const rusage& usage) noexcept {
  const auto ns = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
  };
  return {.cpu_ns = ns(usage.ru_utime) + ns(usage.ru_stime),
          .voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw),
          .involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw),
          .largest_resident_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
}

double own_cpu_ns() noexcept {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return to_usage(usage).cpu_ns;
}

// proc(5): "cpu  user nice system idle iowait irq softirq steal guest guest_nice", then a line per CPU. What is not
// idle is counted by taking idle from the clock: the kernel times idleness exactly and samples the rest.
MachineUsage MachineUsage::now() {
  MachineUsage usage;
  std::ifstream file("/proc/stat");
  const auto at = std::chrono::steady_clock::now().time_since_epoch();
  usage.at_seconds_ = std::chrono::duration<double>(at).count();
  for (std::string line; std::getline(file, line) && line.starts_with("cpu");) {
    if (std::isdigit(static_cast<unsigned char>(line[3])) != 0) {
      ++usage.cpus_;
      continue;
    }
    std::istringstream fields(line.substr(3));
    double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0, steal = 0;
    fields >> user >> nice >> system >> idle >> waiting >> irq >> softirq >> steal;
    usage.idle_seconds_ = (idle + waiting + steal) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  return usage;
}

double MachineUsage::busy_ns_since(const MachineUsage& before) const noexcept {
  const double all = seconds_since(before) * cpus_;
  return (all - (idle_seconds_ - before.idle_seconds_)) * 1e9;
}

double MachineUsage::seconds_since(const MachineUsage& before) const noexcept {
  return at_seconds_ - before.at_seconds_;
}

double measure_background() {
  const MachineUsage before = MachineUsage::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const MachineUsage after = MachineUsage::now();
  return after.busy_ns_since(before) / (after.seconds_since(before) * 1e9);
}

}  // namespace ringtail::bench
