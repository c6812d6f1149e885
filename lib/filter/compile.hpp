// Filter text, as pcap-filter(7) describes it, to classic BPF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <ringtail/error.hpp>

#include "filter/program.hpp"

namespace ringtail::filter {

inline constexpr std::size_t max_text_bytes = 16384;  ///< what fits into 4096 instructions is shorter

/// Where a program is to run, which decides where it looks for VLAN tags.
enum class CompileFor : std::uint8_t {
  /// On a packet socket. The kernel has taken the outer tag out of the bytes, so `vlan` asks the kernel for it, and
  /// other filters see tagged packets as if they had no tag. May open a packet socket for a moment (see handle.hpp).
  kernel,
  /// Program::matches(): on packets as they were on the wire, tags in the bytes; `tcp` alone does not match a tagged
  /// packet, `vlan and tcp` does. `inbound`, `outbound` and `ifindex` are refused where the bytes do not tell.
  here,
};

/// Compiles `text` for packets of `link_type` (a LINKTYPE_ value). White space alone accepts everything. `device`, if
/// not empty, is the interface to be captured on: its network mask and, when it is up, its VLAN handling are used.
/// Host names are looked up, which may take as long as the resolver takes. `snaplen` is at least 1.
///
/// Error: operation "compile filter '<text>'", the reason with its column. Programs above max_instructions are refused.
[[nodiscard]] Result<Program> compile(std::string_view text, std::uint16_t link_type, CompileFor target,
                                      std::uint32_t snaplen = default_snaplen, const std::string& device = {});

/// Compiles `text` for a packet socket bound to every interface, whose packets begin with different headers: a packet
/// is judged by the program for the link type of the interface it came from (ring/link_types.hpp). There are two such
/// programs, Ethernet's and raw IP's. Where `text` makes no sense for one of them ("ether host" on raw IP) or the link
/// is of a third kind (a radiotap monitor), no packet of that kind is accepted. Empty text accepts all kinds.
[[nodiscard]] Result<Program> compile_for_any(std::string_view text, std::uint32_t snaplen = default_snaplen);

}  // namespace ringtail::filter
