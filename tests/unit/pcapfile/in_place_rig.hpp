// What the tests of the in-place encoders stand on: a ring that a fake kernel fills with frames we remember, and a file
// made of its blocks in the way a recorder does it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include <ringtail/recorder.hpp>

#include "fixture/fake_backend.hpp"
#include "pcapfile/in_place_encoder.hpp"
#include "unit/pcapfile/strict_walk.hpp"

namespace ringtail::test {

/// A frame to send, with what the file must say about it.
struct FrameShape {
  std::uint32_t bytes = 60;      ///< on the wire without the tag, at least 14
  std::uint8_t packet_type = 0;  ///< PACKET_HOST .. PACKET_OUTGOING
  std::uint32_t interface_index = 1;
  std::uint32_t link_header_bytes = 14;
  bool has_tag = false;
};

struct RigOptions {
  FileFormat format = FileFormat::pcapng;
  Layout layout = Layout::dilate;
  std::uint32_t alignment = 512;   ///< of the file writes; classic pcap carries the rest to the next block
  bool pads = true;                ///< pcapng: fill up to the alignment instead of carrying
  bool carries_at_random = false;  ///< alignment 1: rewrite some of the file's end, up to a whole carry area
  std::uint32_t block_bytes = 1U << 20;
  std::uint32_t block_count = 4;
  std::uint32_t snaplen = 262144;
  std::uint32_t batch_packets = 256;
  bool has_hashes = false;
  unsigned seed = 1;
};

class InPlaceRig {
 public:
  explicit InPlaceRig(const RigOptions& options);

  /// One frame through the kernel. Encodes what the ring holds when it is about to be full.
  void send(const FrameShape& shape);

  /// Hands the part-filled block over and encodes everything.
  void flush();

  /// The next block carries exactly this much of the file's end, whatever the options say.
  void carry_next(std::uint32_t bytes) { carry_next_ = bytes; }

  /// Gtest expectations that the file holds exactly the frames sent, in order, and nothing else.
  void expect_every_frame() const;

  [[nodiscard]] const std::vector<std::byte>& file() const { return file_; }
  /// The same frames in a classic pcap file of nanoseconds, made without our in-place encoders.
  [[nodiscard]] std::vector<std::byte> expected_nsecpcap() const;
  [[nodiscard]] std::size_t frames() const { return expected_.size(); }
  [[nodiscard]] std::uint32_t dilated_blocks() const { return dilated_blocks_; }
  [[nodiscard]] std::uint32_t compacted_blocks() const { return compacted_blocks_; }
  [[nodiscard]] std::uint64_t copied_bytes() const { return copied_bytes_; }

 private:
  struct Expected {
    std::uint64_t timestamp_ns;
    std::uint32_t payload;  // where in the pool
    std::uint32_t captured_length;
    std::uint32_t wire_length;
    std::uint32_t flags;
    std::uint32_t rx_hash;
    std::uint16_t interface_id;
    bool has_tag;
  };

  void drain();
  void encode(Batch& batch);
  void remember(const FrameShape& shape, std::uint64_t timestamp_ns, std::uint32_t payload);
  void append_bytes(const Expected& expected, std::vector<std::byte>& out) const;
  [[nodiscard]] bool has_bytes(const Expected& expected, std::span<const std::byte> bytes) const;
  [[nodiscard]] std::uint32_t carry_bytes();

  RigOptions options_;
  tpacket::Geometry geometry_;
  std::mt19937 random_;
  std::vector<std::byte> pool_;   // payload comes out of here
  std::vector<std::byte> frame_;  // the one being sent
  std::unique_ptr<fixture::FakeBackend, detail::BackendDeleter> backend_;
  std::unique_ptr<pcapfile::InPlaceEncoder> encoder_;
  std::vector<std::byte> file_;
  std::vector<Expected> expected_;
  std::optional<std::uint32_t> carry_next_;
  std::uint32_t carried_ = 0;              // into the block being encoded
  std::uint32_t sent_bytes_ = 0;           // since the last look at the ring
  std::vector<std::uint32_t> interfaces_;  // indexes in the order of their first frames
  std::uint32_t dilated_blocks_ = 0;
  std::uint32_t compacted_blocks_ = 0;
  std::uint64_t copied_bytes_ = 0;
};

}  // namespace ringtail::test
