#include "bench/traffic.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace ringtail::bench {

namespace {

constexpr std::size_t frames_of_one_size = 64;
constexpr std::size_t frames_of_the_mix = 1200;
constexpr std::array<std::uint32_t, 12> mix_bytes = {64, 64, 64, 64, 64, 64, 64, 594, 594, 594, 594, 1514};

void put16(Frame& frame, std::size_t at, std::size_t value) {
  frame[at] = static_cast<std::byte>(value >> 8);
  frame[at + 1] = static_cast<std::byte>(value & 0xff);
}

/// Ethernet, IPv4 and UDP (RFC 791, RFC 768) around a pattern. To somebody else's address, so that the receiving stack
/// drops the frame as soon as the packet sockets have had it.
Frame make_frame(std::size_t number, std::size_t bytes) {
  Frame frame(bytes);
  for (std::size_t at = 0; at < bytes; ++at) frame[at] = static_cast<std::byte>((number * 131 + at * 7) & 0xff);
  constexpr std::array<unsigned char, 14> ethernet = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
  std::transform(ethernet.begin(), ethernet.end(), frame.begin(), [](unsigned char byte) { return std::byte{byte}; });
  put16(frame, 14, 0x4500);
  put16(frame, 16, bytes - 14);
  put16(frame, 20, 0);
  put16(frame, 22, (64 << 8) | 17);
  put16(frame, 24, 0);
  put16(frame, 26, 0x0a00);
  put16(frame, 28, number);
  put16(frame, 30, 0x0a01);
  put16(frame, 32, 1);
  std::size_t sum = 0;
  for (std::size_t at = 14; at < 34; at += 2) {
    sum += (std::to_integer<std::size_t>(frame[at]) << 8) + std::to_integer<std::size_t>(frame[at + 1]);
  }
  put16(frame, 24, ~((sum & 0xffff) + (sum >> 16)));
  put16(frame, 34, 1024 + number);
  put16(frame, 36, 9);
  put16(frame, 38, bytes - 34);
  put16(frame, 40, 0);
  return frame;
}

/// Which of the mix's sizes frame `number` has: every dozen holds the whole mix, in an order of its own.
std::uint32_t size_in_mix(std::size_t number) {
  constexpr std::size_t coprime_steps[] = {1, 5, 7, 11};
  const std::size_t dozen = number / mix_bytes.size();
  return mix_bytes[(number * coprime_steps[dozen % 4] + dozen) % mix_bytes.size()];
}

}  // namespace

Result<Traffic> Traffic::parse(const std::string& name) {
  Traffic traffic;
  traffic.name_ = name;
  if (name == "mix") {
    for (std::size_t number = 0; number < frames_of_the_mix; ++number) {
      traffic.frames_.push_back(make_frame(number, size_in_mix(number)));
    }
    return traffic;
  }
  std::uint32_t bytes = 0;
  const char* const end = name.data() + name.size();
  const auto [parsed, error] = std::from_chars(name.data(), end, bytes);
  if (error != std::errc{} || parsed != end || bytes < smallest_frame_bytes || bytes > largest_frame_bytes) {
    return tl::unexpected(usage_error("frame size '" + name + "'", "it is not possible",
                                      "choose " + std::to_string(smallest_frame_bytes) + " to " +
                                          std::to_string(largest_frame_bytes) + " bytes, or mix"));
  }
  for (std::size_t number = 0; number < frames_of_one_size; ++number) {
    traffic.frames_.push_back(make_frame(number, bytes));
  }
  return traffic;
}

double Traffic::mean_frame_bytes() const noexcept {
  std::size_t sum = 0;
  for (const Frame& frame : frames_) sum += frame.size();
  return static_cast<double>(sum) / static_cast<double>(frames_.size());
}

}  // namespace ringtail::bench
