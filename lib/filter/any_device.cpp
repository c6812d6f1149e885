#include "filter/any_device.hpp"

#include <cstdint>
#include <linux/filter.h>
#include <utility>
#include <vector>

#include <ringtail/interface.hpp>

#include "base/contract.hpp"
#include "ring/link_types.hpp"

namespace ringtail::filter {

namespace {

// Hardware types (ARPHRD_*) by what becomes of their packets. The rest is refused: no filter text has a meaning there.
struct Dispatch {
  std::vector<std::uint16_t> ethernet;
  std::vector<std::uint16_t> raw_ip;
};

Dispatch make_dispatch() {
  Dispatch dispatch;
  for (std::uint32_t each = 0; each <= 0xffff; ++each) {
    const auto hardware_type = static_cast<std::uint16_t>(each);
    const std::uint16_t link_type = ring::link_type_of_hardware(hardware_type);
    if (link_type == link_type::ethernet) dispatch.ethernet.push_back(hardware_type);
    if (link_type == link_type::raw_ip) dispatch.raw_ip.push_back(hardware_type);
  }
  return dispatch;
}

constexpr Instruction take_nothing = {BPF_RET | BPF_K, 0, 0, 0};
constexpr Instruction load_hardware_type = {BPF_LD | BPF_W | BPF_ABS, 0, 0, ancillary_offset + SKF_AD_HATYPE};

Instruction skip(std::size_t count) noexcept {
  return {BPF_JMP | BPF_JA, 0, 0, static_cast<std::uint32_t>(count)};
}

Instruction skip_if(std::uint16_t hardware_type, std::size_t count) noexcept {
  base::require(count <= UINT8_MAX, "a conditional jump goes 255 instructions at most");
  return {BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint8_t>(count), 0, hardware_type};
}

}  // namespace

//         ld   hardware type
//         jeq  an Ethernet type, ethernet        one line per type
//         jeq  a raw IP type, to_raw_ip          one line per type
//         ret  0
//   to_raw_ip:
//         ja   raw_ip                            not conditional, because that goes any distance
//   ethernet:
//         its program                            all its jumps are relative, so it may stand anywhere
//   raw_ip:
//         its program
Program dispatch_by_hardware_type(const Program& ethernet, const Program& raw_ip) {
  const Dispatch dispatch = make_dispatch();
  const std::size_t to_raw_ip_at = 1 + dispatch.ethernet.size() + dispatch.raw_ip.size() + 1;
  const std::size_t ethernet_at = to_raw_ip_at + 1;
  const std::size_t raw_ip_at = ethernet_at + ethernet.instructions().size();

  std::vector<Instruction> joined = {load_hardware_type};
  const auto distance_to = [&joined](std::size_t target) { return target - (joined.size() + 1); };
  for (const std::uint16_t type : dispatch.ethernet) joined.push_back(skip_if(type, distance_to(ethernet_at)));
  for (const std::uint16_t type : dispatch.raw_ip) joined.push_back(skip_if(type, distance_to(to_raw_ip_at)));
  joined.push_back(take_nothing);
  joined.push_back(skip(distance_to(raw_ip_at)));
  joined.insert(joined.end(), ethernet.instructions().begin(), ethernet.instructions().end());
  joined.insert(joined.end(), raw_ip.instructions().begin(), raw_ip.instructions().end());
  return Program(std::move(joined));
}

}  // namespace ringtail::filter
