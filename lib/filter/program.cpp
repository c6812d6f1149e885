#include "filter/program.hpp"

#include <algorithm>
#include <linux/filter.h>
#include <mutex>
#include <pcap/pcap.h>
#include <type_traits>

#include "base/contract.hpp"

namespace ringtail::filter {

namespace {

constexpr std::uint16_t return_constant = BPF_RET | BPF_K;

static_assert(max_instructions == BPF_MAXINSNS);
static_assert(ancillary_offset == static_cast<std::uint32_t>(SKF_AD_OFF));

template <typename Other>
constexpr bool has_our_layout =
    sizeof(Other) == sizeof(Instruction) &&
    std::alignment_of_v<Other> == std::alignment_of_v<Instruction>&& offsetof(Other, code) ==
        offsetof(Instruction, code) &&
    offsetof(Other, jt) == offsetof(Instruction, jt) && offsetof(Other, jf) == offsetof(Instruction, jf) &&
    offsetof(Other, k) == offsetof(Instruction, k);
static_assert(has_our_layout<sock_filter>);
static_assert(has_our_layout<bpf_insn>);

const bpf_insn* as_libpcap(std::span<const Instruction> instructions) noexcept {
  return reinterpret_cast<const bpf_insn*>(instructions.data());  // has_our_layout
}

}  // namespace

Program Program::accept_all(std::uint32_t snaplen) {
  return Program({{return_constant, 0, 0, snaplen}});
}

Program Program::drop_all() {
  return Program({{return_constant, 0, 0, 0}});
}

bool Program::matches(std::span<const std::byte> bytes, std::uint32_t wire_length) const noexcept {
  return bpf_filter(as_libpcap(instructions_), reinterpret_cast<const u_char*>(bytes.data()), wire_length,
                    static_cast<u_int>(bytes.size())) != 0;
}

bool Program::needs_kernel() const noexcept {
  return std::ranges::any_of(instructions_, [](const Instruction& instruction) {
    return BPF_CLASS(instruction.code) == BPF_LD && BPF_MODE(instruction.code) == BPF_ABS &&
           instruction.k >= ancillary_offset;
  });
}

void Program::set_snaplen(std::uint32_t snaplen) noexcept {
  base::require(snaplen > 0, "a snaplen is at least 1");
  for (Instruction& instruction : instructions_) {
    if (instruction.code == return_constant && instruction.k != 0) instruction.k = snaplen;
  }
}

std::string disassemble(const Program& program) {
  static std::mutex image_mutex;  // bpf_image() returns a buffer of its own, one for all threads
  const std::lock_guard lock(image_mutex);
  std::string text;
  const bpf_insn* instruction = as_libpcap(program.instructions());
  for (std::size_t index = 0; index < program.instructions().size(); ++index) {
    text += bpf_image(&instruction[index], static_cast<int>(index));
    text += '\n';
  }
  return text;
}

}  // namespace ringtail::filter
