#include "frame_supply.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace ringtail::tools {

namespace {

using detail::Frame;

constexpr std::uint32_t generated_at_once = 64;
constexpr std::size_t ethernet_bytes = 14;
constexpr std::size_t ip_bytes = 20;
constexpr std::size_t udp_offset = ethernet_bytes + ip_bytes;
constexpr std::size_t number_offset = udp_offset + 8;
constexpr unsigned first_port = 1024;

void put(std::byte* at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t index = 0; index < bytes; ++index)
    at[index] = static_cast<std::byte>(value >> 8 * (bytes - 1 - index));
}

/// RFC 1071 over the IPv4 header, whose checksum field is zero.
std::uint16_t header_checksum(const std::byte* header) {
  std::uint32_t sum = 0;
  for (std::size_t at = 0; at < ip_bytes; at += 2) {
    sum += std::to_integer<std::uint32_t>(header[at]) << 8 | std::to_integer<std::uint32_t>(header[at + 1]);
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

class Generator final : public FrameSupply {
 public:
  explicit Generator(const GeneratedTraffic& traffic) : traffic_(traffic) {
    for (std::vector<std::byte>& bytes : memory_) bytes = make_frame();
  }

  Result<std::span<const Frame>> next(std::uint32_t most) override {
    const std::uint32_t count = std::min(most, generated_at_once);
    for (std::uint32_t index = 0; index < count; ++index) {
      std::vector<std::byte>& bytes = memory_[index];
      put(&bytes[udp_offset], first_port + number_ % traffic_.flows, 2);
      put(&bytes[number_offset], number_++, 8);
      frames_[index] = bytes;
    }
    return std::span<const Frame>(frames_.data(), count);
  }

 private:
  // RFC 791, RFC 768. The UDP checksum is 0, "not computed", so that numbers cost nothing.
  [[nodiscard]] std::vector<std::byte> make_frame() const {
    std::vector<std::byte> frame(traffic_.frame_bytes);
    put(&frame[0], 0x020000000002, 6);
    put(&frame[6], 0x020000000001, 6);
    put(&frame[12], 0x0800, 2);
    std::byte* ip = &frame[ethernet_bytes];
    put(ip, 0x4500, 2);
    put(ip + 2, frame.size() - ethernet_bytes, 2);
    put(ip + 8, 64 << 8 | 17, 2);  // time to live, protocol
    put(ip + 12, 0x0a000001, 4);
    put(ip + 16, 0x0a000002, 4);
    put(ip + 10, header_checksum(ip), 2);
    put(&frame[udp_offset + 2], 9, 2);
    put(&frame[udp_offset + 4], frame.size() - udp_offset, 2);
    return frame;
  }

  GeneratedTraffic traffic_;
  std::uint64_t number_ = 0;
  std::array<std::vector<std::byte>, generated_at_once> memory_;
  std::array<Frame, generated_at_once> frames_;
};

class Replay final : public FrameSupply {
 public:
  Replay(std::string path, Source source, std::uint64_t rounds)
      : path_(std::move(path)), source_(std::move(source)), rounds_left_(rounds) {}

  Result<std::span<const Frame>> next(std::uint32_t most) override {
    while (given_ == batch_.size()) {
      if (auto more = fetch(); !more) return tl::unexpected(more.error());
      if (batch_.empty()) return std::span<const Frame>();
    }
    frames_.clear();
    while (frames_.size() < most && given_ < batch_.size()) frames_.push_back(batch_[given_++].bytes());
    return std::span<const Frame>(frames_);
  }

 private:
  /// The next batch, of the next round where one is over; an empty one after the last.
  Result<void> fetch() {
    batch_.reset();
    given_ = 0;
    while (rounds_left_ > 0) {
      auto [status, batch] = source_->receive(std::chrono::seconds(1));
      if (status == ReceiveStatus::packets) {
        batch_ = std::move(batch);
        return check_link_types();
      }
      if (status != ReceiveStatus::end_of_stream) continue;
      if (source_->failure() != nullptr) return tl::unexpected(*source_->failure());
      if (source_->stats().delivered == 0 || --rounds_left_ == 0) return {};
      auto again = open("file:" + path_);
      if (!again) return tl::unexpected(again.error());
      source_.emplace(std::move(*again));
      checked_interfaces_ = 0;
    }
    return {};
  }

  /// Interfaces of a file become known on the way.
  Result<void> check_link_types() {
    for (; checked_interfaces_ < source_->interface_count(); ++checked_interfaces_) {
      if (source_->interface(checked_interfaces_).link_type == link_type::ethernet) continue;
      return tl::unexpected(make_error("replay " + path_, "it holds packets that are no Ethernet frames"));
    }
    return {};
  }

  std::string path_;
  std::optional<Source> source_;
  std::uint64_t rounds_left_;
  std::uint16_t checked_interfaces_ = 0;
  Batch batch_;
  std::uint32_t given_ = 0;  // of the batch
  std::vector<Frame> frames_;
};

}  // namespace

std::unique_ptr<FrameSupply> generate_frames(const GeneratedTraffic& traffic) {
  return std::make_unique<Generator>(traffic);
}

Result<std::unique_ptr<FrameSupply>> replay_frames(const std::string& path, std::uint64_t rounds) {
  auto source = open("file:" + path);
  if (!source) return tl::unexpected(source.error());
  return std::make_unique<Replay>(path, std::move(*source), rounds);
}

}  // namespace ringtail::tools
