// Frames made by hand, byte by byte, for filters to judge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace ringtail::filter::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes big_endian(std::uint32_t value, int bytes) {
  Bytes out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
  return out;
}

inline Bytes concatenate(std::initializer_list<Bytes> parts) {
  Bytes out;
  for (const Bytes& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

struct Tag {
  std::uint16_t tpid;
  std::uint16_t tci;
};

inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
inline constexpr std::uint16_t ethertype_arp = 0x0806;
inline constexpr std::uint8_t protocol_tcp = 6;
inline constexpr std::uint8_t protocol_udp = 17;

inline Bytes ethernet(std::initializer_list<Tag> tags, std::uint16_t ethertype, const Bytes& payload) {
  Bytes frame = {0x02, 0, 0, 0, 0, 0x0b, 0x02, 0, 0, 0, 0, 0x0a};
  for (const Tag& tag : tags) {
    frame = concatenate({frame, big_endian(tag.tpid, 2), big_endian(tag.tci, 2)});
  }
  return concatenate({frame, big_endian(ethertype, 2), payload});
}

/// TCP or UDP as far as filters look: the ports, and enough bytes behind them.
inline Bytes ports(std::uint16_t source, std::uint16_t destination) {
  return concatenate({big_endian(source, 2), big_endian(destination, 2), Bytes(20)});
}

/// From 10.0.0.1 to 10.0.0.2. `fragment` is the flags and fragment offset field.
inline Bytes ipv4(std::uint8_t protocol, const Bytes& payload, std::uint16_t fragment = 0) {
  const auto length = static_cast<std::uint32_t>(20 + payload.size());
  return concatenate({{0x45, 0},
                      big_endian(length, 2),
                      {0, 1},
                      big_endian(fragment, 2),
                      {64, protocol, 0, 0},
                      {10, 0, 0, 1},
                      {10, 0, 0, 2},
                      payload});
}

/// From 2001:db8::1 to 2001:db8::2.
inline Bytes ipv6(std::uint8_t next_header, const Bytes& payload) {
  const Bytes prefix = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  return concatenate({{0x60, 0, 0, 0},
                      big_endian(static_cast<std::uint32_t>(payload.size()), 2),
                      {next_header, 64},
                      prefix,
                      {1},
                      prefix,
                      {2},
                      payload});
}

inline Bytes web_over_ipv4() {
  return ipv4(protocol_tcp, ports(40000, 80));
}
inline Bytes web_over_ipv6() {
  return ipv6(protocol_tcp, ports(40000, 80));
}
inline Bytes dns_over_ipv4() {
  return ipv4(protocol_udp, ports(40000, 53));
}

}  // namespace ringtail::filter::test
