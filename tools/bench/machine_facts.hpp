// What the figures depend on besides the programs: named in every report.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

namespace ringtail::bench {

struct MachineFacts {
  std::string processor;
  std::uint64_t processors = 0;  ///< CPUs this process may run on
  std::string operating_system;  ///< "Linux 6.1.0 x86_64"
  std::uint64_t memory_bytes = 0;
  std::string directory;         ///< where the files go
  std::string file_system;       ///< its type there: "ext4"
  std::string device;            ///< what is mounted there: "/dev/vda"
  std::uint64_t free_bytes = 0;  ///< of that file system
  bool optimised = false;        ///< this program was compiled with optimisation
  double load_average = 0;       ///< of the last minute, at start

  /// What spoils the figures, for people: a debug build, a busy machine, a directory in memory.
  [[nodiscard]] std::vector<std::string> warnings() const;
};

[[nodiscard]] Result<MachineFacts> examine_machine(const std::string& directory);

}  // namespace ringtail::bench
