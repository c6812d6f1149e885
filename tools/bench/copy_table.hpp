// The copy table: every way from ring memory to a file, on the same blocks, one after the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "bench/figures.hpp"
#include "bench/progress.hpp"
#include "bench/traffic.hpp"
#include "bench/veth_link.hpp"
#include "bench/ways.hpp"

namespace ringtail::bench {

struct CopyTableSettings {
  std::vector<Traffic> traffics;
  std::uint32_t ring_mib = 64;
  std::uint64_t blocks = 0;  ///< of 1 MiB, per round
  std::uint64_t rounds = 0;
  std::uint64_t socket_frames = 0;                    ///< per round, for ways that read a socket and not the ring
  std::string directory;                              ///< where the files go
  const VethLink* link = nullptr;                     ///< for those ways; null: they are not run
  int cpu = -1;                                       ///< the measured process's
  double background_busy = 0;                         ///< CPUs that are busy when we do nothing
  base::Deadline deadline = base::Deadline::never();  ///< no round but the first begins after it
};

struct CopyTableRow {
  std::string traffic;
  const Way* way = nullptr;
  std::string unavailable;  ///< why there are no figures; empty: there are
  std::string detail;       ///< what the way settled on, where it had a choice
  Figures figures;
};

struct CopyTable {
  std::string ring_kind;  ///< SyntheticRing::kind()
  std::vector<CopyTableRow> rows;
};

/// A figure of the machine is what was not idle from the start until the file is on the disk, minus what filling the
/// ring (or sending the frames) cost this process, minus what the machine does anyhow in that time.
/// `progress` is told what is being done now.
[[nodiscard]] Result<CopyTable> make_copy_table(const CopyTableSettings& settings, const Progress& progress);

}  // namespace ringtail::bench
