// The ways that other programs go, each written as its own textbook has it, and the disk alone.
#pragma once

#include <string>

#include <ringtail/error.hpp>
#include <ringtail/source.hpp>

#include "bench/synthetic_ring.hpp"

namespace ringtail::bench {

/// A packet socket without a ring: two system calls per packet.
[[nodiscard]] Result<WayBooks> receive_and_write(std::uint32_t interface, RingControl& control,
                                                 const std::string& path);

/// libpcap's own pcap_dump() on packets in the ring: what tcpdump does with each.
[[nodiscard]] Result<WayBooks> dump_with_stdio(Source& source, const std::string& path);

/// Packets gathered as pcapng in a buffer of 1 MiB, which goes out with write(2).
[[nodiscard]] Result<WayBooks> copy_and_write(Source& source, const std::string& path);

/// Packets encoded as pcapng straight into a mapped window of the file: no write at all, page faults instead.
[[nodiscard]] Result<WayBooks> copy_into_mapping(Source& source, const std::string& path);

/// Classic pcap in pieces, a head of our own and the packet where it stands, which go by reference through a pipe into
/// an ordinary file: vmsplice(2), splice(2). The second of them copies.
[[nodiscard]] Result<WayBooks> splice_records(Source& source, const std::string& path);

/// Whole ring blocks, kernel headers and all, one pwrite(2) each into an O_DIRECT file: no capture file, but what the
/// disk takes.
[[nodiscard]] Result<WayBooks> write_raw_blocks(Source& source, const std::string& path);

}  // namespace ringtail::bench
