#include "dpdk/eal_arguments.hpp"

#include <algorithm>
#include <initializer_list>
#include <sstream>
#include <string_view>

namespace ringtail::dpdk {

namespace {

// An address that no machine has: with an allow list of it alone, DPDK takes no PCI device for itself at the start. The
// one that is wanted is attached afterwards by name, like every other device.
constexpr const char* no_device = "ffff:ff:1f.7";

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// As getopt_long(3) reads it: "--name", "--name=value", "-x", "-xvalue".
bool mentions(const std::vector<std::string>& words, std::initializer_list<std::string_view> options) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::any_of(options.begin(), options.end(), [&](std::string_view option) {
      if (!word.starts_with(option)) return false;
      const bool is_long = option.starts_with("--");
      return !is_long || word.size() == option.size() || word[option.size()] == '=';
    });
  });
}

// getopt_long(3) takes the beginning of a name for the whole where no other begins so: `unique_bytes` are enough.
bool stands_for(std::string_view word, std::string_view option, std::size_t unique_bytes) {
  return word.size() >= unique_bytes && option.starts_with(word);
}

// -h, also behind -v, and --help.
bool asks_for_help(std::string_view word) {
  if (word.starts_with("--")) return stands_for(word, "--help", std::string_view("--he").size());
  if (!word.starts_with("-")) return false;
  const std::size_t flag = word.find_first_not_of('v', 1);
  return flag != std::string_view::npos && word[flag] == 'h';
}

// --log-level=help, or in two words (eal_parse_log_level(), lib/eal/common/eal_common_options.c).
bool asks_for_log_levels(std::string_view word, std::string_view next_word) {
  const std::size_t sign = word.find('=');
  if (!stands_for(word.substr(0, sign), "--log-level", std::string_view("--lo").size())) return false;
  return (sign == std::string_view::npos ? next_word : word.substr(sign + 1)) == "help";
}

bool ends_the_program(const std::vector<std::string>& words) {
  for (std::size_t index = 0; index < words.size(); ++index) {
    const std::string_view next_word = index + 1 < words.size() ? words[index + 1] : std::string_view();
    if (asks_for_help(words[index]) || asks_for_log_levels(words[index], next_word)) return true;
  }
  return false;
}

std::string lcores(const std::vector<int>& cpus) {
  std::string list;
  for (const int cpu : cpus) list += (list.empty() ? "" : ",") + std::to_string(cpu);
  return "--lcores=0@(" + list + ")";
}

Result<std::vector<std::string>> given_words(const DpdkOptions& options) {
  std::vector<std::string> given = words_of(options.eal_arguments);
  if (!ends_the_program(given)) return given;
  return tl::unexpected(usage_error("start DPDK with '" + options.eal_arguments + "'",
                                    "DPDK ends the program when it is asked for help",
                                    "its arguments are listed at doc.dpdk.org under 'EAL parameters'"));
}

// What every process is started with, whatever it does. One lcore, which may run wherever the process may: threads are
// ours to place, and DPDK starts none for packets.
std::vector<std::string> common_arguments(const std::vector<std::string>& given, const std::vector<int>& cpus) {
  std::vector<std::string> arguments{"ringtail"};
  if (!mentions(given, {"-l", "-c", "--lcores"})) arguments.push_back(lcores(cpus));
  if (!mentions(given, {"--telemetry"})) arguments.emplace_back("--no-telemetry");
  return arguments;
}

}  // namespace

Result<std::vector<std::string>> eal_arguments(const DpdkOptions& options, const std::vector<int>& cpus,
                                               std::size_t memory_bytes) {
  const auto words = given_words(options);
  if (!words) return tl::unexpected(words.error());
  const std::vector<std::string>& given = *words;
  std::vector<std::string> arguments = common_arguments(given, cpus);
  if (!mentions(given, {"-a", "--allow", "-b", "--block", "--no-pci"})) {
    arguments.insert(arguments.end(), {"-a", no_device});
  }

  if (!options.file_prefix.empty()) arguments.push_back("--file-prefix=" + options.file_prefix);
  // Without files nothing is left behind, whatever happens. (--no-huge is refused together with --in-memory.)
  if (!shares_files(options)) arguments.emplace_back(wants_huge_pages(options) ? "--in-memory" : "--no-shconf");

  if (!wants_huge_pages(options)) {
    constexpr std::size_t mebibyte = std::size_t{1} << 20;
    if (!options.huge_pages) arguments.emplace_back("--no-huge");
    if (!mentions(given, {"-m", "--socket-mem"})) {
      arguments.insert(arguments.end(), {"-m", std::to_string((memory_bytes + mebibyte - 1) / mebibyte)});
    }
  } else if (!mentions(given, {"--single-file-segments", "--legacy-mem", "--huge-unlink"})) {
    arguments.emplace_back("--single-file-segments");  // what memif and vhost need to share memory with their peer
  }
  arguments.insert(arguments.end(), given.begin(), given.end());
  return arguments;
}

Result<std::vector<std::string>> secondary_eal_arguments(const std::string& file_prefix, const DpdkOptions& options,
                                                         const std::vector<int>& cpus) {
  const auto given = given_words(options);
  if (!given) return given;
  std::vector<std::string> arguments = common_arguments(*given, cpus);
  arguments.insert(arguments.end(), {"--proc-type=secondary", "--file-prefix=" + file_prefix});
  arguments.insert(arguments.end(), given->begin(), given->end());
  return arguments;
}

bool shares_files(const DpdkOptions& options) {
  const std::vector<std::string> given = words_of(options.eal_arguments);
  return !options.file_prefix.empty() || mentions(given, {"--file-prefix", "--proc-type"});
}

bool owns_files(const DpdkOptions& options) {
  return shares_files(options) && !mentions(words_of(options.eal_arguments), {"--in-memory", "--no-shconf"});
}

bool wants_huge_pages(const DpdkOptions& options) {
  return options.huge_pages && !mentions(words_of(options.eal_arguments), {"--no-huge"});
}

bool wants_log(const DpdkOptions& options) {
  return mentions(words_of(options.eal_arguments), {"--log-level"});
}

}  // namespace ringtail::dpdk
