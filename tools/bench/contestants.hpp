// The programs that race each other on the live link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

#include "bench/child_process.hpp"

namespace ringtail::bench {

struct Contestant {
  std::string name;
  std::string version;  ///< the first line of what the program says about itself
  Command command;      ///< with `output_word` where the file's path goes
  /// How often the program copies each packet in user space, from reading its source; none: it says so itself, in the
  /// JSON summary next to its file.
  std::optional<double> user_copies;

  static constexpr const char* output_word = "FILE";
  static constexpr const char* summary_suffix = ".json";
  [[nodiscard]] Command command_for(const std::string& path) const;
};

struct ContestantSettings {
  std::string interface;
  std::uint32_t ring_mib = 64;  ///< the same for all
  bool only_ringtail_and_tcpdump = false;
};

struct Field {
  std::vector<Contestant> contestants;  ///< ringtail first
  std::vector<std::string> absent;      ///< those that are not installed, and why we think so
};

[[nodiscard]] Field find_contestants(const ContestantSettings& settings);

/// The packet bytes that ringtail copied in user space according to its summary.
[[nodiscard]] Result<std::uint64_t> copied_bytes_in_summary(const std::string& path);

}  // namespace ringtail::bench
