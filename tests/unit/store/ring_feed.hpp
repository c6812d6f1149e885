// Packets on a fake kernel's ring, whose blocks become chunks where they stand, on their way into a recorder.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <ringtail/recorder.hpp>
#include <ringtail/source.hpp>

#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
#include "unit/store/walk_file.hpp"

namespace ringtail::test {

struct RingFeed {
  explicit RingFeed(std::size_t block_bytes = std::size_t{256} << 10, std::size_t blocks = 8,
                    std::uint32_t batch_packets = 64)
      : backend(new fixture::FakeBackend(
            tpacket::compute_geometry({.buffer_bytes = blocks * block_bytes, .block_bytes = block_bytes}, 14).value(),
            batch_packets)),
        source(detail::BackendPointer(backend)) {}

  /// Puts one frame on the ring; the kernel has room or it is dropped, which tests avoid.
  void deliver(std::size_t frame_bytes, std::uint32_t interface_index = 1) {
    const auto bytes = fixture::make_numbered_frame(next_number++, frame_bytes);
    backend->kernel().deliver({.bytes = bytes,
                               .timestamp_ns = 1'700'000'000'000'000'000 + next_number,
                               .interface_index = interface_index,
                               .has_tag = next_number % 5 == 0,
                               .vlan_tci = static_cast<std::uint16_t>(next_number % 4096)});
  }

  /// Hands what the kernel has retired to the recorder. False: there was nothing.
  bool write_some(Recorder& recorder, std::uint16_t source_id) {
    Received received = source.receive(std::chrono::nanoseconds::zero());
    recorder.tick();
    if (received.status != ReceiveStatus::packets) return false;
    recorder.write(source_id, std::move(received.batch));
    return true;
  }
  /// Records everything delivered so far.
  void write_all(Recorder& recorder, std::uint16_t source_id) {
    backend->kernel().retire_timer();
    while (write_some(recorder, source_id) || !all_delivered()) continue;
  }
  /// Delivers `count` frames of random lengths from `shortest` to `longest`, and records them as they come.
  void record(Recorder& recorder, std::uint16_t source_id, std::uint64_t count, std::size_t shortest,
              std::size_t longest, std::mt19937& random) {
    for (std::uint64_t made = 0; made < count; ++made) {
      deliver(shortest + random() % (longest - shortest + 1));
      if (made % 16 == 15) write_some(recorder, source_id);
    }
    write_all(recorder, source_id);
  }

  /// False while the kernel has handed over blocks that nobody has taken: their memory is still on its way to the disk.
  [[nodiscard]] bool all_delivered() const { return source.stats().unread == 0; }

  fixture::FakeBackend* backend;
  Source source;
  std::uint64_t next_number = 0;
};

/// Frames of RingFeed in files: each one intact, none missing or twice, in order.
class FrameCheck {
 public:
  void operator()(std::span<const std::byte> bytes, std::uint32_t /*interface_id*/) {
    std::vector<std::byte> frame(bytes.begin(), bytes.end());
    const bool is_tagged = frame.size() > 16 && frame[12] == std::byte{0x81};
    if (is_tagged) frame.erase(frame.begin() + 12, frame.begin() + 16);
    const fixture::NumberedFrame read = fixture::read_numbered_frame(frame);
    if (!read.intact || read.number != next_ || is_tagged != ((next_ + 1) % 5 == 0)) ++faults_;
    next_ = read.number + 1;
  }
  [[nodiscard]] std::uint64_t frames() const { return next_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  std::uint64_t next_ = 0;
  std::uint64_t faults_ = 0;
};

}  // namespace ringtail::test
