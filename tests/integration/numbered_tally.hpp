// Judges a stream of numbered frames: which came, which are missing, doubled, reordered, damaged or invented.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "fixture/numbered_frames.hpp"

namespace ringtail::integration {

/// The numbers that were sent: first, first + step, ... `count` of them.
struct ExpectedNumbers {
  std::uint64_t first = 0;
  std::uint64_t step = 1;
  std::uint64_t count = 0;
};

/// Threads: one at a time.
class NumberedTally {
 public:
  explicit NumberedTally(ExpectedNumbers expected) : expected_(expected), seen_(expected.count) {}

  /// One captured packet. VLAN tags and a frame around it (IPv4/UDP) are taken off; the rest must be what was sent,
  /// byte for byte, up to where a snaplen cut it.
  void add(std::span<const std::byte> captured, std::uint32_t wire_length) {
    ++packets_;
    captured_bytes_ += captured.size();
    wire_bytes_ += wire_length;
    const std::uint32_t cut_bytes = wire_length - static_cast<std::uint32_t>(captured.size());
    if (cut_bytes != 0) ++cut_;
    const std::span<const std::byte> frame = unwrap(captured);
    if (frame.size() < number_end) {
      ++foreign_;
      return;
    }
    std::uint64_t number = 0;
    std::memcpy(&number, &frame[fixture::number_offset], sizeof number);
    if (is_intact(frame, number, cut_bytes)) {
      count_number(number);
    } else {
      ++damaged_;
    }
  }

  /// Packets of another stream (file, fanout member) follow: order starts anew.
  void begin_stream() { highest_ = 0; }

  [[nodiscard]] nlohmann::ordered_json to_json() const {
    auto missing_ranges = nlohmann::ordered_json::array();
    std::uint64_t missing = 0;
    for (std::uint64_t index = 0; index < expected_.count; ++index) {
      if (seen_[index]) continue;
      const std::uint64_t begin = index;
      while (index + 1 < expected_.count && !seen_[index + 1]) ++index;
      missing += index - begin + 1;
      if (missing_ranges.size() < listed_ranges) missing_ranges.push_back({number_at(begin), number_at(index)});
    }
    return {{"packets", packets_},       {"distinct", expected_.count - missing},
            {"missing", missing},        {"missing_ranges", missing_ranges},
            {"duplicates", duplicates_}, {"out_of_order", out_of_order_},
            {"damaged", damaged_},       {"invented", invented_},
            {"foreign", foreign_},       {"cut", cut_},
            {"wire_bytes", wire_bytes_}, {"captured_bytes", captured_bytes_}};
  }

 private:
  static constexpr std::size_t number_end = fixture::number_offset + 8;
  static constexpr std::size_t listed_ranges = 20;
  static constexpr std::size_t addresses_bytes = 12;
  static constexpr std::size_t tag_bytes = 4;
  static constexpr std::size_t udp_payload_offset = 14 + 20 + 8;

  static std::uint16_t ethertype_at(std::span<const std::byte> bytes, std::size_t at) {
    if (bytes.size() < at + 2) return 0;
    return static_cast<std::uint16_t>((static_cast<unsigned>(bytes[at]) << 8) | static_cast<unsigned>(bytes[at + 1]));
  }

  /// The numbered frame inside; empty when there is none.
  std::span<const std::byte> unwrap(std::span<const std::byte> frame) {
    std::size_t type_at = addresses_bytes;
    std::uint16_t type = ethertype_at(frame, type_at);
    while (type == 0x8100 || type == 0x88a8) type = ethertype_at(frame, type_at += tag_bytes);
    if (type == 0x0800 && frame.size() > udp_payload_offset && type_at == addresses_bytes) {
      frame = frame.subspan(udp_payload_offset);
      type = ethertype_at(frame, addresses_bytes);
    }
    if (type != 0x88b6) return {};
    if (type_at == addresses_bytes) return frame;
    untagged_.assign(frame.begin(), frame.begin() + addresses_bytes);
    untagged_.insert(untagged_.end(), frame.begin() + static_cast<std::ptrdiff_t>(type_at), frame.end());
    return untagged_;
  }

  static bool is_intact(std::span<const std::byte> frame, std::uint64_t number, std::uint32_t cut_bytes) {
    const auto sent = fixture::make_numbered_frame(number, frame.size() + cut_bytes);
    return std::memcmp(sent.data(), frame.data(), frame.size()) == 0;
  }

  [[nodiscard]] std::uint64_t number_at(std::uint64_t index) const { return expected_.first + index * expected_.step; }

  void count_number(std::uint64_t number) {
    const std::uint64_t index = (number - expected_.first) / expected_.step;
    if (number < expected_.first || index >= expected_.count || number_at(index) != number) {
      ++invented_;
      return;
    }
    if (number < highest_) ++out_of_order_;
    highest_ = std::max(highest_, number);
    if (seen_[index]) ++duplicates_;
    seen_[index] = true;
  }

  ExpectedNumbers expected_;
  std::vector<bool> seen_;  ///< by index
  std::vector<std::byte> untagged_;
  std::uint64_t highest_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t captured_bytes_ = 0;
  std::uint64_t wire_bytes_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t out_of_order_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t invented_ = 0;
  std::uint64_t foreign_ = 0;
  std::uint64_t cut_ = 0;
};

}  // namespace ringtail::integration
