// Everything `ringtail capture` can be told, as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ringtail/options.hpp>
#include <ringtail/recorder.hpp>

#include "command.hpp"

namespace ringtail::tools {

/// One `-i` and the options that belong to it.
struct InterfaceOptions {
  std::string device;
  OpenOptions open;
};

enum class CaptureMode : std::uint8_t {
  record,
  list_interfaces,   ///< -D
  list_link_types,   ///< -L
  print_filter,      ///< -d
  print_statistics,  ///< -S
};

struct CaptureOptions {
  CaptureMode mode = CaptureMode::record;
  std::vector<InterfaceOptions> interfaces;  ///< empty: the default interface, with `defaults`
  OpenOptions defaults;                      ///< what stood before the first -i

  RecorderOptions output;  ///< path empty: a file in temporary_directory
  std::string temporary_directory;
  std::optional<std::uint64_t> stop_after_packets;
  std::optional<std::chrono::nanoseconds> stop_after_duration;

  std::uint16_t threads = 1;  ///< rings, each with a thread of its own
  bool one_file = false;      ///< of all threads together, written by one more; else each has its own
  std::optional<FanoutMode> fanout;
  std::vector<int> cpus;  ///< where the threads run, in turn

  std::string user;  ///< whom to become once everything is open; empty: nobody else
  std::string json_path;
  bool quiet = false;
};

/// Reads the command line. Nothing returned: `options` holds what it says. Else the exit status, as
/// parse_command_line().
[[nodiscard]] std::optional<int> read_capture_options(Arguments arguments, CaptureOptions& options);

/// The first combination in `options` that cannot be had, as a usage error.
[[nodiscard]] std::optional<Error> find_contradiction(const CaptureOptions& options);

}  // namespace ringtail::tools
