#include "tpacket/socket_filter.hpp"

#include <linux/if_packet.h>

namespace ringtail::tpacket {

namespace {

constexpr std::uint32_t ancillary(int field) {
  return static_cast<std::uint32_t>(SKF_AD_OFF + field);
}

constexpr sock_filter statement(int code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}

constexpr sock_filter jump(int code, std::uint32_t k, std::uint8_t if_true, std::uint8_t if_false) {
  return {static_cast<std::uint16_t>(code), if_true, if_false, k};
}

constexpr sock_filter load_packet_type = statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_PKTTYPE));
constexpr sock_filter load_interface = statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_IFINDEX));
constexpr sock_filter refuse = statement(BPF_RET | BPF_K, 0);

void append_direction_check(Instructions& program, const DirectionCheck& check) {
  constexpr int equals = BPF_JMP | BPF_JEQ | BPF_K;
  const bool drop_outgoing = check.direction == Direction::in || (check.loopback_index && !check.any);
  if (check.direction == Direction::out) {
    program.insert(program.end(), {load_packet_type, jump(equals, PACKET_OUTGOING, 1, 0), refuse});
  } else if (drop_outgoing) {
    program.insert(program.end(), {load_packet_type, jump(equals, PACKET_OUTGOING, 0, 1), refuse});
  } else if (check.loopback_index) {
    program.insert(program.end(), {load_interface, jump(equals, *check.loopback_index, 0, 3), load_packet_type,
                                   jump(equals, PACKET_OUTGOING, 0, 1), refuse});
  }
}

}  // namespace

Instructions drop_all() {
  return {refuse};
}

Result<Instructions> build_filter(std::span<const sock_filter> user_filter, const DirectionCheck& check,
                                  std::uint32_t captured_limit) {
  Instructions program;
  append_direction_check(program, check);
  if (user_filter.empty()) program.push_back(statement(BPF_RET | BPF_K, captured_limit));
  for (sock_filter instruction : user_filter) {
    if (instruction.code == (BPF_RET | BPF_K) && instruction.k != 0) instruction.k = captured_limit;
    program.push_back(instruction);
  }
  if (program.size() > BPF_MAXINSNS) {
    return tl::unexpected(make_error("attach the filter",
                                     "it needs " + std::to_string(program.size()) + " instructions, the kernel takes " +
                                         std::to_string(BPF_MAXINSNS),
                                     "choose a shorter filter"));
  }
  return program;
}

}  // namespace ringtail::tpacket
