#include "filter/handle.hpp"

#include <cerrno>
#include <cstring>
#include <net/if.h>
#include <net/if_arp.h>
#include <pcap/pcap.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <ringtail/interface.hpp>

#include "base/file_descriptor.hpp"
#include "filter/private_namespace.hpp"
#include "ring/link_types.hpp"

namespace ringtail::filter {

namespace {

// Most LINKTYPE_ values are DLT_ values as well; these two numbers mean different things on different systems, which is
// why files carry others (libpcap, pcap-common.c).
int data_link_type(std::uint16_t link_type) noexcept {
  constexpr std::uint16_t linktype_atm_rfc1483 = 100;
  if (link_type == linktype_atm_rfc1483) return DLT_ATM_RFC1483;
  if (link_type == link_type::raw_ip) return DLT_RAW;
  return link_type;
}

bool ask_kernel(int socket, unsigned long request, ifreq& question) noexcept {
  return ioctl(socket, request, &question) == 0;
}

}  // namespace

void HandleCloser::operator()(pcap* handle) const noexcept {
  pcap_close(handle);
}

Handle open_dead(std::uint16_t link_type) {
  return Handle(pcap_open_dead(data_link_type(link_type), static_cast<int>(default_snaplen)));
}

Result<Handle> activate(const std::string& device) {
  constexpr int snaplen = 64;         // nothing is ever read from it:
  constexpr int buffer_bytes = 4096;  // it gets the smallest ring there is
  char fault[PCAP_ERRBUF_SIZE] = {};
  Handle handle(pcap_create(device.c_str(), fault));
  const std::string operation = "prepare a vlan filter on " + device;
  if (!handle) return tl::unexpected(make_error(operation, fault));
  pcap_set_snaplen(handle.get(), snaplen);
  pcap_set_buffer_size(handle.get(), buffer_bytes);
  pcap_set_immediate_mode(handle.get(), 1);
  const int status = pcap_activate(handle.get());
  if (status >= 0) return handle;
  if (status == PCAP_ERROR_PERM_DENIED) {
    return tl::unexpected(system_error(operation, EPERM, "packet socket", "run as root or with CAP_NET_RAW"));
  }
  const char* reason = pcap_geterr(handle.get());
  return tl::unexpected(make_error(operation, *reason != '\0' ? reason : pcap_statustostr(status)));
}

bool is_up_ethernet(const std::string& device) {
  ifreq question{};
  if (device.empty() || device.size() >= sizeof question.ifr_name) return false;
  std::memcpy(question.ifr_name, device.data(), device.size());
  const base::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!ask_kernel(socket.get(), SIOCGIFFLAGS, question)) return false;
  const bool is_up = (question.ifr_flags & IFF_UP) != 0;
  if (!is_up || !ask_kernel(socket.get(), SIOCGIFHWADDR, question)) return false;
  return ring::link_type_of_hardware(question.ifr_hwaddr.sa_family) == link_type::ethernet;
}

Result<Handle> open_live(const std::string& device) {
  for (const std::string& candidate : {device, std::string("lo")}) {
    if (!is_up_ethernet(candidate)) continue;
    Result<Handle> handle = activate(candidate);
    if (handle || handle.error().error_number == EPERM) return handle;
  }
  return activate_in_private_namespace();
}

std::uint32_t netmask_of(const std::string& device) {
  char fault[PCAP_ERRBUF_SIZE] = {};
  bpf_u_int32 network = 0;
  bpf_u_int32 mask = PCAP_NETMASK_UNKNOWN;
  if (device.empty() || pcap_lookupnet(device.c_str(), &network, &mask, fault) != 0) return PCAP_NETMASK_UNKNOWN;
  return mask;
}

tl::expected<Program, std::string> run_compiler(pcap& handle, const std::string& text, std::uint32_t netmask) {
  constexpr int optimize = 1;
  bpf_program code{};
  if (pcap_compile(&handle, &code, text.c_str(), optimize, netmask) != 0) {
    return tl::unexpected(std::string(pcap_geterr(&handle)));
  }
  std::vector<Instruction> instructions;
  instructions.reserve(code.bf_len);
  for (const bpf_insn& each : std::span(code.bf_insns, code.bf_len)) {
    instructions.push_back({each.code, each.jt, each.jf, each.k});
  }
  pcap_freecode(&code);
  return Program(std::move(instructions));
}

}  // namespace ringtail::filter
