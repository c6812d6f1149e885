// A compiled filter: classic BPF, to be attached to the kernel or run here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ringtail::filter {

/// One instruction, laid out like the kernel's struct sock_filter and libpcap's struct bpf_insn.
///
///      0      2    3    4      8
///      | code | jt | jf | k    |
struct Instruction {
  std::uint16_t code;
  std::uint8_t jt;  ///< how many instructions to skip when the comparison holds
  std::uint8_t jf;  ///< how many when it does not
  std::uint32_t k;

  bool operator==(const Instruction&) const = default;
};

inline constexpr std::size_t max_instructions = 4096;          ///< BPF_MAXINSNS, linux/bpf_common.h
inline constexpr std::uint32_t default_snaplen = 262144;       ///< what libpcap's own tools use
inline constexpr std::uint32_t ancillary_offset = 0xfffff000;  ///< SKF_AD_OFF: loads from here on ask the kernel

/// Valid code that ends in a return on every path; it comes from compile(), so it is run unchecked. A program accepts
/// a packet by returning how many of its bytes are wanted, and refuses it by returning 0.
class Program {
 public:
  /// `instructions` as libpcap or this room made them, at least one.
  explicit Program(std::vector<Instruction> instructions) : instructions_(std::move(instructions)) {}

  [[nodiscard]] static Program accept_all(std::uint32_t snaplen = default_snaplen);
  [[nodiscard]] static Program drop_all();

  /// Runs it here, over a packet's captured bytes and its length on the wire. Any thread; no allocation. Only for
  /// programs without needs_kernel().
  [[nodiscard]] bool matches(std::span<const std::byte> bytes, std::uint32_t wire_length) const noexcept;

  /// True when it loads what only the kernel knows: the stripped VLAN tag, the direction, the interface.
  [[nodiscard]] bool needs_kernel() const noexcept;

  /// Has accepted packets cut to `snaplen` bytes, which is at least 1.
  void set_snaplen(std::uint32_t snaplen) noexcept;

  /// For SO_ATTACH_FILTER, rte_bpf and the like. Dies with the program.
  [[nodiscard]] std::span<const Instruction> instructions() const noexcept { return instructions_; }

 private:
  std::vector<Instruction> instructions_;
};

/// One line per instruction, as `tcpdump -d` prints them; each ends in a newline.
[[nodiscard]] std::string disassemble(const Program& program);

}  // namespace ringtail::filter
