// Compiled filters that came from somebody else.
#pragma once

#include <span>

#include <ringtail/error.hpp>

#include "filter/program.hpp"

namespace ringtail::filter {

/// A program of instructions that a stranger has sent, if it can be run here whatever packet it meets: every path ends
/// in a return, no jump goes backwards or out of it, nothing is divided by a constant 0, scratch memory is stored to
/// before it is loaded from, and it asks for nothing that only the kernel knows.
///
/// libpcap's own bpf_validate() is not enough: it lets jumps go backwards, which `ip6 protochain` wants and which can
/// run for ever, leaves the scratch memory to chance, and lets instructions pass at which bpf_filter() calls abort().
[[nodiscard]] Result<Program> adopt_foreign(std::span<const Instruction> instructions);

}  // namespace ringtail::filter
