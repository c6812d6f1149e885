#include "filter/program.hpp"

#include <algorithm>
#include <linux/filter.h>
#include <mutex>
#include <pcap/pcap.h>

#include "base/contract.hpp"

namespace ringtail::filter {

namespace {

constexpr std::uint16_t return_constant = BPF_RET | BPF_K;

static_assert(max_instructions == BPF_MAXINSNS);
static_assert(ancillary_offset == static_cast<std::uint32_t>(SKF_AD_OFF));

static_assert(sizeof(Instruction) == sizeof(sock_filter) && alignof(Instruction) == alignof(sock_filter));
static_assert(offsetof(Instruction, code) == offsetof(sock_filter, code));
static_assert(offsetof(Instruction, jt) == offsetof(sock_filter, jt));
static_assert(offsetof(Instruction, jf) == offsetof(sock_filter, jf));
static_assert(offsetof(Instruction, k) == offsetof(sock_filter, k));

static_assert(sizeof(Instruction) == sizeof(bpf_insn) && alignof(Instruction) == alignof(bpf_insn));
static_assert(offsetof(Instruction, code) == offsetof(bpf_insn, code));
static_assert(offsetof(Instruction, jt) == offsetof(bpf_insn, jt));
static_assert(offsetof(Instruction, jf) == offsetof(bpf_insn, jf));
static_assert(offsetof(Instruction, k) == offsetof(bpf_insn, k));

const bpf_insn* as_libpcap(std::span<const Instruction> instructions) noexcept {
  return reinterpret_cast<const bpf_insn*>(instructions.data());  // the same layout, see above
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
