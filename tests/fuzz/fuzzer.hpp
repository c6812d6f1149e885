// What every fuzzer here provides: libFuzzer's entry point, and inputs to begin with for runs without libFuzzer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace ringtail::test {

using FuzzInput = std::vector<std::uint8_t>;

/// Small valid inputs that reach as much as possible.
std::vector<FuzzInput> fuzz_seeds();

}  // namespace ringtail::test
