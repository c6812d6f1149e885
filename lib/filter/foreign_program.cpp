#include "filter/foreign_program.hpp"

#include <linux/filter.h>
#include <pcap/pcap.h>
#include <string>
#include <vector>

namespace ringtail::filter {

namespace {

tl::unexpected<Error> refuse(std::size_t at, const char* why) {
  return tl::unexpected(make_error("take over a filter", "instruction " + std::to_string(at) + " " + why));
}

/// What libpcap's bpf_filter() has a case for; anything else makes it abort the process, whatever bpf_validate() said.
bool is_instruction(const Instruction& instruction) {
  switch (instruction.code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_B | BPF_MSH:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_ALU | BPF_NEG:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_JMP | BPF_JA:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
      return true;
    default:
      break;
  }
  const auto operation = BPF_OP(instruction.code);
  const bool is_plain = instruction.code == (BPF_CLASS(instruction.code) | operation | BPF_SRC(instruction.code));
  if (BPF_CLASS(instruction.code) == BPF_JMP) return is_plain && operation >= BPF_JEQ && operation <= BPF_JSET;
  if (BPF_CLASS(instruction.code) != BPF_ALU || !is_plain) return false;
  const bool is_shift = operation == BPF_LSH || operation == BPF_RSH;
  if (is_shift && BPF_SRC(instruction.code) == BPF_K && instruction.k > 31) return false;
  return operation <= BPF_RSH || operation == BPF_MOD || operation == BPF_XOR;
}

/// Follows every path at once: jumps only go forward, so all ways to an instruction are known when it is reached.
class MemoryCheck {
 public:
  explicit MemoryCheck(std::size_t instructions) : stored_(instructions + 1, nothing_known) { stored_[0] = 0; }

  /// False when it loads what may not have been stored.
  [[nodiscard]] bool pass(std::size_t at, const Instruction& instruction) {
    const std::uint32_t before = stored_[at];
    const auto bit = [&] { return std::uint32_t{1} << instruction.k % BPF_MEMWORDS; };
    std::uint32_t after = before;
    switch (instruction.code) {
      case BPF_ST:
      case BPF_STX:
        after |= bit();
        break;
      case BPF_LD | BPF_MEM:
      case BPF_LDX | BPF_MEM:
        if ((before & bit()) == 0) return false;
        break;
      case BPF_JMP | BPF_JA:
        meet(at + 1 + instruction.k, after);
        return true;
      default:
        break;
    }
    if (BPF_CLASS(instruction.code) == BPF_RET) return true;
    if (BPF_CLASS(instruction.code) == BPF_JMP) {
      meet(at + 1 + instruction.jt, after);
      meet(at + 1 + instruction.jf, after);
    } else {
      meet(at + 1, after);
    }
    return true;
  }

 private:
  static constexpr std::uint32_t nothing_known = 0xffffffff;  // no way leads here as yet
  void meet(std::size_t at, std::uint32_t stored) { stored_[at] &= stored; }

  std::vector<std::uint32_t> stored_;  // by instruction: a bit for each word that is stored to on every way there
};

}  // namespace

Result<Program> adopt_foreign(std::span<const Instruction> instructions) {
  const std::size_t count = instructions.size();
  if (count == 0 || count > max_instructions) return refuse(count, "is none, or one too many");
  for (std::size_t at = 0; at < count; ++at) {
    const Instruction& instruction = instructions[at];
    if (!is_instruction(instruction)) return refuse(at, "is none that is known");
    if (instruction.code == (BPF_JMP | BPF_JA) && instruction.k >= count - at - 1) return refuse(at, "jumps out of it");
  }
  static_assert(sizeof(bpf_insn) == sizeof(Instruction));
  // Conditional jumps, divisors, memory's size, the return at the end; program.cpp has compared the layouts.
  const auto* const theirs = reinterpret_cast<const bpf_insn*>(instructions.data());
  if (bpf_validate(theirs, static_cast<int>(count)) == 0) return refuse(0, "or a later one is invalid");
  MemoryCheck memory(count);
  for (std::size_t at = 0; at < count; ++at) {
    if (!memory.pass(at, instructions[at])) return refuse(at, "loads what was never stored");
  }
  Program program(std::vector<Instruction>(instructions.begin(), instructions.end()));
  if (program.needs_kernel()) return refuse(0, "or a later one asks for what only the kernel knows");
  return program;
}

}  // namespace ringtail::filter
