// What the recorder's tests have in common: a directory of their own, made-up packets, and independent readers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <tuple>
#include <vector>

#include <ringtail/recorder.hpp>

#include "fixture/memory_backend.hpp"
#include "unit/pcapfile/judge.hpp"

namespace ringtail::test {

class RecorderTest : public testing::Test {
 protected:
  explicit RecorderTest(const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string name = (parent / "ringtail-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    directory_ = name;
  }
  ~RecorderTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ / name; }

  /// Names in the directory, sorted, which for a ring of files is their order.
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) names.push_back(entry.path());
    std::ranges::sort(names);
    return names;
  }

  std::filesystem::path directory_;
};

/// A source, the numbers of the packets it has made, and its way into a recorder.
struct PacketFeed {
  explicit PacketFeed(std::vector<Interface> interfaces = {make_ethernet_interface("memory0")},
                      std::uint32_t batch_packets = 256)
      : backend(MemoryBackend::create(std::move(interfaces), batch_packets)), source(make_source(backend)) {}

  /// Makes `count` packets of `length` bytes and writes them. How many were delivered, limits applied.
  void write(Recorder& recorder, std::uint16_t source_id, std::uint64_t count, std::size_t length = 100) {
    for (std::uint64_t made = 0; made < count; ++made) backend->push(make_numbered_packet(next_number++, length));
    for (;;) {
      Received received = source.receive(std::chrono::nanoseconds::zero());
      if (received.status != ReceiveStatus::packets) return;
      recorder.write(source_id, std::move(received.batch));
    }
  }

  MemoryBackend* backend;
  Source source;
  std::uint64_t next_number = 0;
};

/// How many packets capinfos finds in the files; -1 when it complains about one.
inline std::int64_t count_packets(const std::vector<std::string>& files) {
  std::int64_t packets = 0;
  for (const std::string& file : files) {
    const Verdict verdict = run("capinfos -rTMc '" + file + "' 2>/dev/null");
    if (verdict.exit_status != 0) return -1;
    packets += std::stoll(verdict.output.substr(verdict.output.find('\t')));
  }
  return packets;
}

/// The numbers of make_numbered_packet() in the files, in their order, as tshark reads them.
inline std::vector<std::uint64_t> read_numbers(const std::vector<std::string>& files) {
  std::vector<std::uint64_t> numbers;
  for (const std::string& file : files) {
    const Verdict verdict = run("tshark -r '" + file + "' -T fields -e data.data 2>/dev/null");
    std::size_t begin = 0;
    while (begin < verdict.output.size()) {
      numbers.push_back(std::stoull(verdict.output.substr(begin, 16), nullptr, 16));
      begin = verdict.output.find('\n', begin) + 1;
    }
  }
  return numbers;
}

/// For tests of what is true of every writer, in pcapng and in classic pcap.
inline auto every_writer_and_format() {
  return testing::Combine(testing::Values(Writer::direct, Writer::splice, Writer::write, Writer::mmap),
                          testing::Values(FileFormat::pcapng, FileFormat::pcap));
}

/// Names their cases.
inline std::string writer_and_format_name(const testing::TestParamInfo<std::tuple<Writer, FileFormat>>& info) {
  constexpr const char* writers[] = {"automatic", "direct", "splice", "write", "mmap"};
  constexpr const char* formats[] = {"Pcapng", "Pcap", "Nsecpcap"};
  const auto [writer, format] = info.param;
  return std::string(writers[static_cast<std::size_t>(writer)]) + formats[static_cast<std::size_t>(format)];
}

/// True when the numbers are `first`, first + 1, ... , first + count - 1.
inline bool are_consecutive(const std::vector<std::uint64_t>& numbers, std::uint64_t first, std::uint64_t count) {
  if (numbers.size() != count) return false;
  return std::ranges::all_of(numbers, [next = first](std::uint64_t number) mutable { return number == next++; });
}

}  // namespace ringtail::test
