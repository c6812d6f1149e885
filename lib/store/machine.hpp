// What a capture file says about the machine that made it.
#pragma once

#include <string>

namespace ringtail::store {

/// The processor's name as /proc/cpuinfo has it; empty where it has none (some ARM kernels).
[[nodiscard]] std::string machine_hardware();

/// "Linux 6.18.44 x86_64"
[[nodiscard]] std::string machine_operating_system();

}  // namespace ringtail::store
