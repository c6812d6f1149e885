// Runs one way once, in a process of its own, on one kind of traffic.
#pragma once

#include <memory>
#include <string>

#include <ringtail/error.hpp>

#include "bench/child_process.hpp"
#include "bench/figures.hpp"
#include "bench/ring_image.hpp"
#include "bench/synthetic_ring.hpp"
#include "bench/traffic.hpp"
#include "bench/veth_link.hpp"
#include "bench/ways.hpp"

namespace ringtail::bench {

struct WayRunnerSettings {
  std::uint32_t ring_mib = 64;
  const VethLink* link = nullptr;  ///< for ways that read a packet socket; null: those cannot be run
  std::string path;                ///< of the file that is written, and removed again
  int cpu = -1;                    ///< the measured process's
  double background_busy = 0;      ///< CPUs that are busy when we do nothing
};

/// How much there is to do in a run. Nothing at all: an idle run.
struct Work {
  std::uint64_t blocks = 0;         ///< for ways that read the ring
  std::uint64_t socket_frames = 0;  ///< for ways that read a socket
};

class WayRunner {
 public:
  /// `traffic` outlives the runner.
  [[nodiscard]] static Result<WayRunner> create(WayRunnerSettings settings, const Traffic& traffic);

  struct Outcome {
    RunAccount account;
    std::string detail;  ///< WayBooks::detail
  };
  /// `thorough`: system calls are counted, and the file is read back to see what is really in it. Such runs are not for
  /// timing. Otherwise the way's own books say how many packets there are.
  [[nodiscard]] Result<Outcome> run(const Way& way, const Work& work, bool thorough);

  [[nodiscard]] const std::string& ring_kind() const noexcept { return ring_kind_; }

 private:
  WayRunner(WayRunnerSettings settings, const Traffic& traffic, SyntheticRing ring);

  [[nodiscard]] Result<ChildProcess> start(const Way& way, SyntheticRing& ring) const;
  [[nodiscard]] Result<void> feed_ring(SyntheticRing& ring, ChildProcess& child, std::uint64_t blocks,
                                       RunAccount& account) const;
  [[nodiscard]] Result<void> feed_socket(SyntheticRing& ring, ChildProcess& child, std::uint64_t frames,
                                         RunAccount& account) const;

  WayRunnerSettings settings_;
  const Traffic* traffic_;
  RingImage image_;
  std::string ring_kind_;
};

}  // namespace ringtail::bench
