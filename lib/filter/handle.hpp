// libpcap's handles, which is what its compiler wants to be called with. Private to this room.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <ringtail/error.hpp>

#include "filter/program.hpp"

struct pcap;  // libpcap's pcap_t; only this room's .cpp files know more of it

namespace ringtail::filter {

struct HandleCloser {
  void operator()(pcap* handle) const noexcept;
};
using Handle = std::unique_ptr<pcap, HandleCloser>;

/// A handle that belongs to no device: code made with it reads the packet's bytes and, for direction and interface,
/// asks the kernel. `link_type` is a LINKTYPE_ value. Null when memory is short.
[[nodiscard]] Handle open_dead(std::uint16_t link_type);

/// An activated handle on an Ethernet device: code made with it finds VLAN tags where the kernel keeps them. Only the
/// activation of such a handle switches that on (pcap-linux.c, BPF_SPECIAL_VLAN_HANDLING), and it needs a device that
/// is up: `device` if that is one, else lo, else the lo of a network namespace made for the purpose.
[[nodiscard]] Result<Handle> open_live(const std::string& device);

/// open_live()'s one step, in the network namespace of the calling thread. `device` is up and Ethernet (or loopback).
[[nodiscard]] Result<Handle> activate(const std::string& device);

/// Whether `device` exists in the calling thread's namespace, is up, and has Ethernet frames.
[[nodiscard]] bool is_up_ethernet(const std::string& device);

/// The network mask of a device, which `ip broadcast` needs; libpcap's "unknown" where there is none.
[[nodiscard]] std::uint32_t netmask_of(const std::string& device);

/// One run of libpcap's compiler. The error is libpcap's own message. Thread-safe (libpcap >= 1.8) with a handle per
/// thread.
[[nodiscard]] tl::expected<Program, std::string> run_compiler(pcap& handle, const std::string& text,
                                                              std::uint32_t netmask);

}  // namespace ringtail::filter
