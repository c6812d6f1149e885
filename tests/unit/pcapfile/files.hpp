// Whole capture files made with our encoders, as the tests of writing and reading want them.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "pcapfile/window_encoder.hpp"
#include "unit/pcapfile/packets.hpp"

namespace ringtail::test {

inline constexpr std::array<std::uint32_t, 2> two_interfaces = {0, 1};

/// The file's header: for pcapng a section and two Ethernet interfaces, "left" and "right".
inline std::vector<std::byte> file_header(FileFormat format) {
  std::vector<std::byte> file;
  if (format == FileFormat::pcapng) {
    Interface interface;
    interface.link_type = link_type::ethernet;
    pcapfile::pcapng::append_section_header(file, {.application = "test"});
    for (const char* name : {"left", "right"}) {
      interface.name = name;
      pcapfile::pcapng::append_interface_description(file, interface, 0, {});
    }
  } else {
    const auto precision =
        format == FileFormat::pcap ? pcapfile::pcap::Precision::microseconds : pcapfile::pcap::Precision::nanoseconds;
    pcapfile::pcap::append_file_header(file, precision, link_type::ethernet, 262'144);
  }
  return file;
}

/// The records of `packets`, encoded window by window; every window is full of 0xee before.
inline std::vector<std::byte> encode(FileFormat format, const Packets& packets, std::size_t window_bytes) {
  const auto encoder = pcapfile::make_window_encoder(format);
  std::vector<std::byte> file;
  std::span<const PacketDescriptor> rest = packets.descriptors;
  while (!rest.empty()) {
    std::vector<std::byte> window(window_bytes, std::byte{0xee});
    const auto encoded = encoder->encode(rest, packets.memory.data(), two_interfaces, window);
    if (encoded.packets == 0) break;
    file.insert(file.end(), window.begin(), window.begin() + static_cast<std::ptrdiff_t>(encoded.bytes));
    rest = rest.subspan(encoded.packets);
  }
  return file;
}

inline std::vector<std::byte> make_file(FileFormat format, const Packets& packets) {
  std::vector<std::byte> file = file_header(format);
  const auto records = encode(format, packets, std::size_t{1} << 20);
  file.insert(file.end(), records.begin(), records.end());
  return file;
}

}  // namespace ringtail::test
