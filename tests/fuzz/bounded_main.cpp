// Runs a fuzzer's entry point over mutations of its seeds for a bounded time, where there is no libFuzzer.
//
//   pcapfile_fuzzer [--seconds N] [--seed N]     the seed is printed, so that a run can be repeated
//   pcapfile_fuzzer FILE...                      these inputs as they are: what a crash left, a corpus
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <unistd.h>

#include "fuzz/fuzzer.hpp"

namespace {

using Input = ringtail::test::FuzzInput;

// What a crash leaves behind, so that it can be run again.
constexpr char crash_file[] = "fuzz-crash.input";
const Input* current = nullptr;

void save_current(int signal_number) {
  if (std::FILE* file = std::fopen(crash_file, "wb"); file != nullptr && current != nullptr) {
    std::fwrite(current->data(), 1, current->size(), file);
    std::fclose(file);
  }
  std::signal(signal_number, SIG_DFL);
  std::raise(signal_number);
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  Input mutate(const std::vector<Input>& seeds) {
    Input input = seeds[below(seeds.size())];
    for (std::size_t rounds = 1 + below(4); rounds > 0; --rounds) mutate_once(input, seeds);
    return input;
  }

 private:
  void mutate_once(Input& input, const std::vector<Input>& seeds) {
    if (input.empty()) return;
    const std::size_t at = below(input.size());
    switch (below(7)) {
      case 0:
        input[at] = static_cast<std::uint8_t>(input[at] ^ 1U << below(8));
        break;
      case 1:
        input[at] = static_cast<std::uint8_t>(random_());
        break;
      case 2:
        put_number(input, at / 4 * 4);
        break;
      case 3:
        input.resize(at);
        break;
      case 4:
        input.erase(position(input, at), position(input, at + below(input.size() - at)));
        break;
      case 5: {
        const Input part(position(input, at), position(input, at + below(input.size() - at)));
        input.insert(position(input, below(input.size()) / 4 * 4), part.begin(), part.end());
        break;
      }
      default: {
        const Input& other = seeds[below(seeds.size())];
        input.insert(position(input, at / 4 * 4), other.begin(), other.end());
      }
    }
  }

  // A number that lengths and counts break on, in either byte order.
  void put_number(Input& input, std::size_t at) {
    static constexpr std::uint32_t numbers[] = {0,          1,          3,         4,        8,        11,
                                                12,         13,         28,        32,       0x7fff,   0xffff,
                                                0x10000,    0x0fffffff, 1U << 20,  1U << 24, 1U << 31, 0x0a0d0d0a,
                                                0xfffffff0, 0xfffffffc, 0xffffffff};
    std::uint32_t number = numbers[below(std::size(numbers))];
    if (below(2) != 0) number = __builtin_bswap32(number);
    for (std::size_t byte = 0; byte < 4 && at + byte < input.size(); ++byte) {
      input[at + byte] = static_cast<std::uint8_t>(number >> (8 * byte));
    }
  }

  static Input::iterator position(Input& input, std::size_t at) {
    return input.begin() + static_cast<std::ptrdiff_t>(at);
  }
  std::size_t below(std::size_t limit) { return random_() % limit; }

  std::mt19937_64 random_;
};

void run(const Input& input) {
  current = &input;
  LLVMFuzzerTestOneInput(input.data(), input.size());
}

int run_files(int count, char** names) {
  for (int index = 0; index < count; ++index) {
    std::ifstream file(names[index], std::ios::binary);
    const Input input{std::istreambuf_iterator<char>(file), {}};
    std::printf("%s: %zu bytes\n", names[index], input.size());
    run(input);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGABRT, save_current);
  std::signal(SIGSEGV, save_current);
  long seconds = 5;
  std::uint64_t seed = std::random_device{}();
  int first_file = 1;
  for (; first_file + 1 < count && arguments[first_file][0] == '-'; first_file += 2) {
    const std::string option = arguments[first_file];
    if (option == "--seconds") seconds = std::atol(arguments[first_file + 1]);
    if (option == "--seed") seed = std::strtoull(arguments[first_file + 1], nullptr, 0);
  }
  if (first_file < count) return run_files(count - first_file, arguments + first_file);

  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  const std::vector<Input> seeds = ringtail::test::fuzz_seeds();
  for (const Input& input : seeds) run(input);
  Mutator mutator(seed);
  std::uint64_t runs = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (; std::chrono::steady_clock::now() < end; ++runs) run(mutator.mutate(seeds));
  std::printf("%llu mutated inputs\n", static_cast<unsigned long long>(runs));
  return 0;
}
