#include "bench/contestants.hpp"

#include <algorithm>
#include <climits>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace ringtail::bench {

namespace {

std::string own_program() {
  char path[PATH_MAX] = {};
  return ::readlink("/proc/self/exe", path, sizeof path - 1) > 0 ? path : "ringtail";
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

Command Contestant::command_for(const std::string& path) const {
  Command filled = command;
  for (std::string& word : filled) {
    if (word.starts_with(output_word)) word.replace(0, std::string(output_word).size(), path);
  }
  return filled;
}

// Each program as its manual tells for a capture into one file, with the same ring. Nobody resolves names, draws a
// progress line or changes the user half-way; netsniff-ng is kept from moving interrupts and raising system limits.
Field find_contestants(const ContestantSettings& settings) {
  const std::string file = Contestant::output_word;
  const std::string summary = file + Contestant::summary_suffix;
  const std::string mib = std::to_string(settings.ring_mib);
  const std::string kib = std::to_string(settings.ring_mib * 1024);
  const std::string self = own_program();
  const std::string& link = settings.interface;
  // tcpdump and dumpcap: fwrite() into a stdio buffer. netsniff-ng: pcap_sg_write() copies into its own iovecs.
  std::vector<Contestant> all = {
      {"ringtail", "", {self, "capture", "-i", link, "-B", mib, "-q", "--json", summary, "-w", file}, {}},
      {"ringtail pcap",
       "",
       {self, "capture", "-i", link, "-B", mib, "-q", "-F", "pcap", "--json", summary, "-w", file},
       {}},
      {"tcpdump", "", {"tcpdump", "-i", link, "-n", "-Z", "root", "-B", kib, "-w", file}, 1},
      {"dumpcap", "", {"dumpcap", "-i", link, "-q", "-B", mib, "-w", file}, 1},
      {"netsniff-ng",
       "",
       {"netsniff-ng", "--in", link, "--silent", "--notouch-irq", "--no-sock-mem", "--ring-size", mib + "MiB", "--out",
        file},
       1},
  };
  if (settings.only_ringtail_and_tcpdump) all = {all[0], all[2]};
  Field field;
  for (Contestant& contestant : all) {
    if (const auto said = run_program({contestant.command[0], "--version"})) {  // netsniff-ng says it and exits with 1
      contestant.version = first_line(said->text);
      field.contestants.push_back(std::move(contestant));
    } else {
      field.absent.push_back(contestant.name + ": " + said.error().reason);
    }
  }
  return field;
}

Result<std::uint64_t> copied_bytes_in_summary(const std::string& path) {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  const auto pointer = nlohmann::json::json_pointer("/layout/copied_bytes");
  if (json.is_discarded() || !json.contains(pointer) || !json.at(pointer).is_number_unsigned()) {
    return tl::unexpected(make_error("read " + path, "it is no summary of a capture"));
  }
  return json.at(pointer).get<std::uint64_t>();
}

}  // namespace ringtail::bench
