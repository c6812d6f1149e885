#include "unit/pcapfile/strict_walk.hpp"

#include <algorithm>
#include <cstring>

#include <ringtail/packet.hpp>

namespace ringtail::test {

namespace {

// Numbers from the drafts, on purpose not those of lib/pcapfile.
constexpr std::uint32_t enhanced_packet_block = 6;
constexpr std::uint32_t filler_block = 0x80525431;
constexpr std::uint32_t stepped_over[] = {0x0a0d0d0a, 1, 5};
constexpr std::uint16_t end_option = 0, flags_option = 2, hash_option = 3, padding_option = 19373, spacer = 0xd254;

using Bytes = std::span<const std::byte>;

template <typename Number>
Number number_at(Bytes bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

bool all_zero(Bytes bytes) {
  static constexpr std::byte zeros[4096] = {};
  for (std::size_t at = 0; at < bytes.size(); at += sizeof zeros) {
    const std::size_t count = std::min(sizeof zeros, bytes.size() - at);
    if (std::memcmp(bytes.data() + at, zeros, count) != 0) return false;
  }
  return true;
}

class PcapngWalk {
 public:
  explicit PcapngWalk(Bytes file) : file_(file) {}

  StrictWalk run() {
    while (walk_.complaint.empty() && at_ < file_.size()) block();
    if (!walk_.complaint.empty()) walk_.complaint += " in the block at " + std::to_string(at_);
    return std::move(walk_);
  }

 private:
  void complain(const char* what) {
    if (walk_.complaint.empty()) walk_.complaint = what;
  }

  void block() {
    const Bytes rest = file_.subspan(at_);
    if (rest.size() < 12) return complain("torn head");
    const auto type = number_at<std::uint32_t>(rest, 0);
    const auto total = number_at<std::uint32_t>(rest, 4);
    if (total % 4 != 0 || total < 12 || total > rest.size()) return complain("impossible length");
    if (number_at<std::uint32_t>(rest, total - 4) != total) return complain("lengths that differ");
    const Bytes body = rest.subspan(8, total - 12);
    if (type == filler_block) {
      if (total > 8U << 20) complain("filler longer than readers take");
      if (!all_zero(body)) complain("dirty filler");
      walk_.filler_bytes += total;
    } else if (type == enhanced_packet_block) {
      packet(body);
    } else if (std::find(std::begin(stepped_over), std::end(stepped_over), type) == std::end(stepped_over)) {
      complain("unknown type");
    }
    if (walk_.complaint.empty()) at_ += total;
  }

  void packet(Bytes body) {
    if (body.size() < 20) return complain("torn packet head");
    FileRecord& record = walk_.records.emplace_back();
    record.interface_id = number_at<std::uint32_t>(body, 0);
    record.timestamp_ns = std::uint64_t{number_at<std::uint32_t>(body, 4)} << 32 | number_at<std::uint32_t>(body, 8);
    record.captured_length = number_at<std::uint32_t>(body, 12);
    record.wire_length = number_at<std::uint32_t>(body, 16);
    const std::size_t padded = (std::size_t{record.captured_length} + 3) / 4 * 4;
    if (record.captured_length > 262144 || padded > body.size() - 20) return complain("impossible captured length");
    record.bytes = body.subspan(20, record.captured_length);
    if (!all_zero(body.subspan(20 + record.captured_length, padded - record.captured_length))) {
      return complain("dirty padding");
    }
    options(body.subspan(20 + padded), record);
  }

  void options(Bytes list, FileRecord& record) {
    bool ended = list.empty();
    while (!list.empty()) {
      if (ended) return complain("option behind the end of the list");
      const auto code = number_at<std::uint16_t>(list, 0);
      const auto length = number_at<std::uint16_t>(list, 2);
      const std::size_t padded = (std::size_t{length} + 3) / 4 * 4;
      if (padded > list.size() - 4) return complain("option longer than its block");
      const Bytes value = list.subspan(4, length);
      if (!all_zero(list.subspan(4 + length, padded - length))) return complain("dirty option padding");
      if (code == end_option && length == 0) {
        ended = true;
      } else if (code == flags_option && length == 4 && record.flags == 0) {
        record.flags = number_at<std::uint32_t>(value, 0);
        if (record.flags == 0 || (record.flags & ~packet_flags::pcapng_mask) != 0) return complain("odd epb_flags");
      } else if (code == hash_option && length == 5 && value[0] == std::byte{5}) {
        record.rx_hash = number_at<std::uint32_t>(value, 1);
        record.flags |= packet_flags::rx_hash_valid;
      } else if (code == padding_option && length >= 4) {
        if (!all_zero(value)) return complain("dirty padding option");
        walk_.filler_bytes += 4 + padded;
      } else if (code == spacer && length == 0) {
        ++walk_.spacers;
      } else {
        return complain("odd option");
      }
      list = list.subspan(4 + padded);
    }
    if (!ended) complain("no end of options");
  }

  Bytes file_;
  std::size_t at_ = 0;
  StrictWalk walk_;
};

StrictWalk walk_pcap(Bytes file, std::uint32_t fraction_ns) {
  StrictWalk walk;
  for (std::size_t at = 24; at < file.size();) {
    const Bytes rest = file.subspan(at);
    if (rest.size() < 16) {
      walk.complaint = "torn head at " + std::to_string(at);
      return walk;
    }
    FileRecord& record = walk.records.emplace_back();
    record.timestamp_ns = std::uint64_t{number_at<std::uint32_t>(rest, 0)} * 1'000'000'000 +
                          std::uint64_t{number_at<std::uint32_t>(rest, 4)} * fraction_ns;
    record.captured_length = number_at<std::uint32_t>(rest, 8);
    record.wire_length = number_at<std::uint32_t>(rest, 12);
    if (record.captured_length > 262144 || record.captured_length > rest.size() - 16) {
      walk.complaint = "impossible captured length at " + std::to_string(at);
      return walk;
    }
    record.bytes = rest.subspan(16, record.captured_length);
    at += 16 + record.captured_length;
  }
  return walk;
}

}  // namespace

StrictWalk walk_strictly(FileFormat format, Bytes file) {
  if (format == FileFormat::pcapng) return PcapngWalk(file).run();
  return walk_pcap(file, format == FileFormat::pcap ? 1000 : 1);
}

}  // namespace ringtail::test
