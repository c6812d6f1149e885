// What the conformance suite needs from every kind of source: a way to open it and a way to put frames in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <ringtail/source.hpp>

namespace ringtail::conformance {

/// One open source and its sender. Frames are numbered ones (fixture/numbered_frames.hpp), numbered from 0 upwards.
class SourceHarness {
 public:
  virtual ~SourceHarness() = default;
  [[nodiscard]] virtual Source& source() = 0;
  /// Sends the next `count` frames of `frame_bytes` each. They may still be on their way when it returns.
  virtual void send(std::uint64_t count, std::size_t frame_bytes) = 0;
  /// No frame will follow: a finite source (a file) ends by itself after this. Others ignore it.
  virtual void finish_sending() {}
  /// True when receive() cannot see a frame before finish_sending().
  [[nodiscard]] virtual bool needs_finish() const { return false; }
  /// True when packets for which there is no credit are skipped for good, not kept until there is.
  [[nodiscard]] virtual bool skips() const { return false; }
};

struct HarnessFactory {
  std::string name;
  /// Empty pointer: it cannot run here, and `reason` says why.
  std::function<std::unique_ptr<SourceHarness>(const OpenOptions& options, std::string& reason)> make;
};

inline void PrintTo(const HarnessFactory& factory, std::ostream* out) {
  *out << factory.name;
}

[[nodiscard]] HarnessFactory dpdk_harness();
[[nodiscard]] HarnessFactory fake_kernel_harness();
[[nodiscard]] HarnessFactory file_harness();
[[nodiscard]] HarnessFactory veth_harness();
[[nodiscard]] HarnessFactory waiting_veth_harness();
[[nodiscard]] HarnessFactory share_harness();
[[nodiscard]] HarnessFactory busy_share_harness();
[[nodiscard]] HarnessFactory share_in_place_harness();
[[nodiscard]] HarnessFactory share_ring_harness();

}  // namespace ringtail::conformance
