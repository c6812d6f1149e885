// Reads capture files with libpcap, which is not our reader, and judges the numbered frames in them.
//
//   frame_checker --count 1000000 out.pcapng          JSON: what is missing, doubled, damaged ...
//   frame_checker --list out.pcapng                   one line per packet: time_ns captured wire hex
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <pcap/pcap.h>
#include <span>
#include <string>
#include <vector>

#include "numbered_tally.hpp"

namespace {

using ringtail::integration::ExpectedNumbers;
using ringtail::integration::NumberedTally;

struct PcapCloser {
  void operator()(pcap_t* handle) const { pcap_close(handle); }
};
using PcapHandle = std::unique_ptr<pcap_t, PcapCloser>;

/// Calls `each(header, bytes)` for every packet; the text of the reader's complaint, empty when there is none.
template <typename Each>
std::string read_file(const std::string& path, const Each& each) {
  char error[PCAP_ERRBUF_SIZE] = {};
  const PcapHandle file(pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error));
  if (!file) return error;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  int got = 0;
  while ((got = pcap_next_ex(file.get(), &header, &data)) == 1) {
    each(*header, std::as_bytes(std::span(data, header->caplen)));
  }
  return got == PCAP_ERROR_BREAK ? std::string() : pcap_geterr(file.get());
}

void print_packet(const pcap_pkthdr& header, std::span<const std::byte> bytes) {
  constexpr const char* digits = "0123456789abcdef";
  std::string hex;
  for (const std::byte byte : bytes) {
    hex += digits[static_cast<unsigned>(byte) >> 4];
    hex += digits[static_cast<unsigned>(byte) & 0xf];
  }
  std::printf("%lld%09lld %u %u %s\n", static_cast<long long>(header.ts.tv_sec),
              static_cast<long long>(header.ts.tv_usec), header.caplen, header.len, hex.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Judges the numbered frames in capture files.");
  ExpectedNumbers expected;
  std::vector<std::string> paths;
  bool list = false;
  app.add_option("--first", expected.first, "the first number sent");
  app.add_option("--step", expected.step, "the distance between numbers")->check(CLI::PositiveNumber);
  app.add_option("--count", expected.count, "how many numbers were sent");
  app.add_flag("--list", list, "print the packets instead");
  app.add_option("files", paths)->required();
  CLI11_PARSE(app, argc, argv);

  NumberedTally tally(expected);
  std::vector<std::string> complaints;
  for (const std::string& path : paths) {
    tally.begin_stream();
    const std::string complaint = read_file(path, [&](const pcap_pkthdr& header, std::span<const std::byte> bytes) {
      list ? print_packet(header, bytes) : tally.add(bytes, header.len);
    });
    if (!complaint.empty()) complaints.push_back(path + ": " + complaint);
  }
  if (list) {
    for (const std::string& complaint : complaints) std::fprintf(stderr, "%s\n", complaint.c_str());
    return complaints.empty() ? 0 : 1;
  }
  auto verdict = tally.to_json();
  verdict["complaints"] = complaints;
  std::printf("%s\n", verdict.dump().c_str());
  return 0;
}
