// What is used up: CPU time, context switches, memory. Read from the kernel's own accounts, outside the measured
// program.
#pragma once

#include <cstdint>
#include <sys/resource.h>

namespace ringtail::bench {

/// What a process has used, its threads and waited-for children included.
struct ProcessUsage {
  double cpu_ns = 0;  ///< user + system. The sum is exact; only its division into two is sampled by the kernel's tick
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t largest_resident_bytes = 0;
};

[[nodiscard]] ProcessUsage to_usage(const rusage& usage) noexcept;

/// CPU time of this process so far.
[[nodiscard]] double own_cpu_ns() noexcept;

/// A moment in the life of all CPUs, to take the difference of two. From /proc/stat, in hundredths of a second: sum up
/// over several runs before dividing by packets.
class MachineUsage {
 public:
  [[nodiscard]] static MachineUsage now();

  /// CPU time that was not idle since `before`: every process, kernel worker and interrupt on the machine. Time that a
  /// hypervisor gave to others (steal) is not counted.
  [[nodiscard]] double busy_ns_since(const MachineUsage& before) const noexcept;
  [[nodiscard]] double seconds_since(const MachineUsage& before) const noexcept;

 private:
  double at_seconds_ = 0;
  double idle_seconds_ = 0;  // of all CPUs: idle, waiting for a disk, or stolen
  unsigned cpus_ = 0;
};

/// How many CPUs are busy while this process sleeps for half a second.
[[nodiscard]] double measure_background();

}  // namespace ringtail::bench
