// Lets one contestant capture from the live link once.
//
//   start   wait until it listens   settle   send ............   settle   SIGINT   end   fdatasync   read its file
//                                            |------- the process's account -------|
//                                            |--- the machine's account, /proc/stat ----------|
//
// The start is left out: what it costs is mostly whether the kernel finds the ring's memory at once. The process's
// account is wait4(2) minus its CPU clock when the sending begins.
#pragma once

#include <string>

#include <ringtail/error.hpp>

#include "bench/contestants.hpp"
#include "bench/figures.hpp"
#include "bench/frame_sender.hpp"
#include "bench/traffic.hpp"
#include "bench/veth_link.hpp"

namespace ringtail::bench {

struct LiveRunnerSettings {
  const VethLink* link = nullptr;
  std::string directory;         ///< where the files go, and are removed again
  int cpu = -1;                  ///< the contestant's
  double background_busy = 0;    ///< CPUs that are busy when we do nothing
  std::uint64_t most_bytes = 0;  ///< sent per run at most, so that the disk does not fill up
};

/// What is sent during a run.
struct Load {
  std::uint64_t frames = 0;      ///< 0: nothing, for `seconds`
  double frames_per_second = 0;  ///< 0: as fast as it goes
  double seconds = 0;            ///< how long nothing is sent, or how long at most something is; 0: as long as it takes
};

struct LiveRun {
  RunAccount account;
  Sent sent;
};

class LiveRunner {
 public:
  explicit LiveRunner(LiveRunnerSettings settings) : settings_(std::move(settings)) {}

  /// How fast the traffic can be sent when nobody captures. What that costs the machine per frame is left out of its
  /// figures from here on.
  [[nodiscard]] Result<Sent> measure_sender(const Traffic& traffic, double seconds);

  [[nodiscard]] Result<LiveRun> run(const Contestant& contestant, const Traffic& traffic, const Load& load,
                                    bool count_system_calls);

 private:
  [[nodiscard]] Result<void> wait_until_it_listens(const ChildProcess& child) const;
  [[nodiscard]] Result<Sent> apply(const Load& load, const Traffic& traffic) const;
  [[nodiscard]] Result<void> read_files(const Contestant& contestant, RunAccount& account) const;

  [[nodiscard]] std::string file_path() const { return settings_.directory + "/live.capture"; }
  [[nodiscard]] std::string output_path() const { return settings_.directory + "/live.output"; }

  LiveRunnerSettings settings_;
  double sender_ns_per_frame_ = 0;
};

}  // namespace ringtail::bench
