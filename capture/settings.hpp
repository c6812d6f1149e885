// Everything ringtaild can be told, as values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

#include <ringtail/options.hpp>
#include <ringtail/recorder.hpp>

#include "control/message.hpp"
#include "store/storage_directory.hpp"

namespace ringtail::daemon {

/// Who, besides root and the daemon's own user, may do what through the control socket.
struct AccessRule {
  std::optional<uid_t> user{};   ///< either a user
  std::optional<gid_t> group{};  ///< or a group
  std::set<control::Operation> operations{};

  [[nodiscard]] bool operator==(const AccessRule&) const = default;
};

/// Who gets packets as "ringtail:<name>", besides root and the daemon's own user, and from how much memory.
struct ShareSettings {
  bool enabled = true;
  std::uint32_t memory_mib = 128;
  std::uint32_t clients = 16;
  std::chrono::milliseconds hold_limit{2000};
  std::set<uid_t> users{};
  std::set<gid_t> groups{};
  std::set<uid_t> ring_users{};  ///< who is handed the kernel's rings themselves; they may attach, too
  std::set<gid_t> ring_groups{};

  [[nodiscard]] bool operator==(const ShareSettings&) const = default;
};

/// Packets are kept in the ring and written when somebody asks for them, instead of all the time.
struct FlightSettings {
  std::chrono::nanoseconds age = std::chrono::seconds(30);  ///< how long
  std::optional<std::uint64_t> bytes{};                     ///< of ring memory, all rings together
  std::string trigger{};                                    ///< pcap-filter text: a packet that matches brings a dump
  std::chrono::nanoseconds trigger_delay{};                 ///< so long after that packet
  std::chrono::nanoseconds hold_off = std::chrono::seconds(60);  ///< then none for so long

  [[nodiscard]] bool operator==(const FlightSettings&) const = default;
};

struct CaptureSettings {
  std::string name{};
  std::vector<std::string> devices{};  ///< one thread serves a ring of each of them
  OpenOptions open{};
  std::uint16_t threads = 1;
  bool ordered = false;                 ///< a thread's packets go into its file in the order of their time stamps
  std::vector<int> cpus{};              ///< where they run, in turn; empty: beside the interface, or anywhere
  std::optional<bool> writer_thread{};  ///< each has one beside it that writes; nothing: while somebody reads along
  RecorderOptions output{};
  store::StorageOptions storage{};  ///< without a directory nothing is written: packets are lent, or kept in memory
  ShareSettings share{};
  std::optional<FlightSettings> flight{};  ///< nothing is written but dumps

  [[nodiscard]] bool writes_files() const noexcept { return !storage.directory.empty() && !flight; }
  /// With a thread of its own the writer, and a disk that hangs, keeps nobody waiting. It may be there in vain.
  [[nodiscard]] bool has_writer_threads() const noexcept {
    return writes_files() && writer_thread.value_or(share.enabled);
  }
  /// It writes even while nobody reads along.
  [[nodiscard]] bool writes_apart() const noexcept { return writes_files() && writer_thread.value_or(false); }
  [[nodiscard]] bool operator==(const CaptureSettings&) const = default;
};

struct MetricsAddress {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;

  [[nodiscard]] bool operator==(const MetricsAddress&) const = default;
};

struct Settings {
  std::string run_directory{};
  std::string user{};  ///< whom to become once everything is open; empty: nobody else
  std::string log_level = "info";
  std::optional<MetricsAddress> metrics{};
  std::vector<AccessRule> access{};
  std::vector<CaptureSettings> captures{};
};

inline constexpr std::size_t most_devices = 16;  ///< of one capture

}  // namespace ringtail::daemon
