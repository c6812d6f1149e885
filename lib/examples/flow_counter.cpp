// Counts packets and bytes per flow, and lists the largest. An analyzer in C++.
//
//   flow_counter eth0 100000            until so many packets were counted
//   flow_counter file:web.pcapng        to the end of a file
//
// Built with find_package(ringtail), target ringtail::ringtail, or with `pkg-config --cflags --libs ringtail`.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include <ringtail/ringtail.hpp>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_listed = 10;

/// One direction of a conversation. IPv4 addresses fill the first four bytes.
struct Flow {
  std::array<std::byte, 16> source{};
  std::array<std::byte, 16> destination{};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;
  std::uint8_t version = 0;

  auto operator<=>(const Flow&) const = default;
};

struct Volume {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

using Bytes = std::span<const std::byte>;

unsigned read16(Bytes bytes, std::size_t at) {
  return std::to_integer<unsigned>(bytes[at]) << 8 | std::to_integer<unsigned>(bytes[at + 1]);
}

/// What follows the Ethernet header and its VLAN tags; `type` says what it is.
Bytes skip_ethernet(Bytes frame, unsigned& type) {
  std::size_t at = 12;
  for (; at + 2 <= frame.size(); at += 4) {
    type = read16(frame, at);
    if (type != 0x8100 && type != 0x88a8) return frame.subspan(at + 2);
  }
  return {};
}

/// Empty for what is not IP. Ports are 0 where there are none, and in later fragments.
std::optional<Flow> flow_of(Bytes frame) {
  unsigned type = 0;
  const Bytes ip = skip_ethernet(frame, type);
  Flow flow;
  std::size_t header_bytes = 0;
  if (type == 0x0800 && ip.size() >= 20) {
    header_bytes = 4 * std::to_integer<std::size_t>(ip[0] & std::byte{0xf});
    flow.version = 4;
    flow.protocol = std::to_integer<std::uint8_t>(ip[9]);
    std::copy_n(ip.begin() + 12, 4, flow.source.begin());
    std::copy_n(ip.begin() + 16, 4, flow.destination.begin());
    if ((read16(ip, 6) & 0x1fff) != 0) return flow;
  } else if (type == 0x86dd && ip.size() >= 40) {
    header_bytes = 40;
    flow.version = 6;
    flow.protocol = std::to_integer<std::uint8_t>(ip[6]);
    std::copy_n(ip.begin() + 8, 16, flow.source.begin());
    std::copy_n(ip.begin() + 24, 16, flow.destination.begin());
  } else {
    return std::nullopt;
  }
  const bool has_ports = flow.protocol == 6 || flow.protocol == 17 || flow.protocol == 132;
  if (has_ports && ip.size() >= header_bytes + 4) {
    flow.source_port = static_cast<std::uint16_t>(read16(ip, header_bytes));
    flow.destination_port = static_cast<std::uint16_t>(read16(ip, header_bytes + 2));
  }
  return flow;
}

void print_end(const Flow& flow, const std::array<std::byte, 16>& address, unsigned port) {
  for (std::size_t at = 0; at < (flow.version == 4 ? 4U : 16U); ++at) {
    const unsigned byte = std::to_integer<unsigned>(address[at]);
    if (flow.version == 4) std::printf("%s%u", at == 0 ? "" : ".", byte);
    if (flow.version == 6) std::printf("%s%02x", at == 0 || at % 2 == 1 ? "" : ":", byte);
  }
  std::printf(" port %u", port);
}

void print_largest(const std::map<Flow, Volume>& flows) {
  std::vector<std::pair<Flow, Volume>> sorted(flows.begin(), flows.end());
  std::sort(sorted.begin(), sorted.end(), [](auto& one, auto& other) { return one.second.bytes > other.second.bytes; });
  if (sorted.size() > most_listed) sorted.resize(most_listed);
  for (const auto& [flow, volume] : sorted) {
    print_end(flow, flow.source, flow.source_port);
    std::printf(" > ");
    print_end(flow, flow.destination, flow.destination_port);
    std::printf(", protocol %u: %llu packets, %llu bytes\n", flow.protocol,
                static_cast<unsigned long long>(volume.packets), static_cast<unsigned long long>(volume.bytes));
  }
}

ringtail::Source* interrupted_source = nullptr;

void on_interrupt(int) {
  interrupted_source->stop();
  interrupted_source->interrupt();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "flow_counter DEVICE [PACKETS]\n");
    return 2;
  }
  const std::uint64_t limit = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : UINT64_MAX;
  auto source = ringtail::open(argv[1], {.snaplen = 128});  // headers are all that is looked at
  if (!source) {
    std::fprintf(stderr, "flow_counter: %s\n", source.error().message().c_str());
    return 1;
  }
  interrupted_source = &*source;
  std::signal(SIGINT, on_interrupt);

  std::map<Flow, Volume> flows;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  while (packets < limit) {
    auto [status, batch] = source->receive(1s);
    if (status == ringtail::ReceiveStatus::end_of_stream) break;
    batch.keep_first(static_cast<std::uint32_t>(std::min<std::uint64_t>(batch.size(), limit - packets)));
    for (const ringtail::PacketView packet : batch) {
      bytes += packet.wire_length();
      if (const auto flow = flow_of(packet.bytes())) {
        Volume& volume = flows[*flow];
        ++volume.packets;
        volume.bytes += packet.wire_length();
      }
    }
    packets += batch.size();
  }  // the batch ends here: its memory goes back

  print_largest(flows);
  std::printf("%llu packets, %llu bytes, %zu flows, %llu dropped\n", static_cast<unsigned long long>(packets),
              static_cast<unsigned long long>(bytes), flows.size(),
              static_cast<unsigned long long>(source->stats().dropped_ring));
  if (source->failure() != nullptr) std::fprintf(stderr, "flow_counter: %s\n", source->failure()->message().c_str());
  return source->failure() != nullptr ? 1 : 0;
}
