// What a worker writes into, and from which sources.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ringtail/recorder.hpp>
#include <ringtail/source.hpp>

namespace ringtail::daemon {

/// By interface; null where there is none at the moment.
using Slots = std::vector<std::shared_ptr<Source>>;

/// A recorder, and what must outlive it.
struct Output {
  Slots slots;
  std::vector<std::uint16_t> source_ids;  ///< by slot, as the recorder knows it
  Recorder recorder;

  /// Opens a recorder for the sources there are.
  [[nodiscard]] static Result<std::unique_ptr<Output>> open(Slots slots, RecorderOptions options);
};

}  // namespace ringtail::daemon
