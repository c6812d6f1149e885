// Any bytes as a damaged capture file: the search ends, stays inside the file, and what it proposes is a whole file.
#include <algorithm>
#include <cstring>

#include "base/contract.hpp"
#include "fuzz/fuzzer.hpp"
#include "pcapfile/damage.hpp"
#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"

namespace {

using namespace ringtail;
using base::require;
using pcapfile::Damage;

class MemoryBytes final : public pcapfile::FileBytes {
 public:
  explicit MemoryBytes(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::uint64_t size() const noexcept override { return bytes_.size(); }
  std::span<const std::byte> at(std::uint64_t offset, std::size_t wanted) override {
    require(offset < bytes_.size(), "nothing outside the file is asked for");
    return bytes_.subspan(offset, std::min<std::uint64_t>(wanted, bytes_.size() - offset));
  }

 private:
  std::span<const std::byte> bytes_;
};

std::vector<std::byte> repair(std::span<const std::byte> bytes, const Damage& damage) {
  std::vector<std::byte> repaired(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(damage.length));
  std::uint64_t end_before = 0;
  for (const pcapfile::Hole& hole : damage.holes) {
    require(hole.begin >= end_before && hole.end <= damage.length, "holes are in order and inside the file");
    require(hole.begin % 4 == 0 && hole.end % 4 == 0 && hole.end - hole.begin >= 12, "a filler fits into a hole");
    end_before = hole.end;
    const auto length = static_cast<std::uint32_t>(hole.end - hole.begin);
    const auto in_order = [&](std::uint32_t number) {
      return hole.order.u32(reinterpret_cast<const std::byte*>(&number));
    };
    pcapfile::store(repaired.data() + hole.begin, in_order(pcapfile::pcapng::block_type::filler));
    pcapfile::store(repaired.data() + hole.begin + 4, in_order(length));
    pcapfile::store(repaired.data() + hole.end - 4, in_order(length));
  }
  return repaired;
}

test::FuzzInput as_input(std::span<const std::byte> bytes) {
  test::FuzzInput input(bytes.size());
  std::memcpy(input.data(), bytes.data(), bytes.size());
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  MemoryBytes file(bytes);
  const Damage damage = pcapfile::find_damage(file);
  require(damage.length <= size, "files only ever get shorter");
  require(damage.packets_before <= damage.packets, "what could be read can still be");
  if (damage.problem == nullptr) {
    require(damage.holes.empty() && damage.length == size, "a file without a problem stays as it is");
    return 0;
  }
  if (!damage.is_repairable) return 0;
  const std::vector<std::byte> repaired = repair(bytes, damage);
  MemoryBytes again(repaired);
  const Damage after = pcapfile::find_damage(again);
  require(after.problem == nullptr && after.packets == damage.packets, "what was repaired is whole");
  return 0;
}

std::vector<ringtail::test::FuzzInput> ringtail::test::fuzz_seeds() {
  using namespace ringtail::pcapfile;
  std::vector<std::byte> pcapng;
  pcapng::append_section_header(pcapng, {});
  pcapng::append_interface_description(pcapng, {.name = "eth0", .link_type = 1}, 0, "");
  const std::size_t packets = pcapng.size();
  for (std::uint32_t number = 0; number < 4; ++number) {
    pcapng::EnhancedPacketHead head{.block = {pcapng::block_type::enhanced_packet, 96},
                                    .interface_id = 0,
                                    .timestamp_high = 0,
                                    .timestamp_low = number,
                                    .captured_length = 64,
                                    .wire_length = 64};
    const std::size_t at = pcapng.size();
    pcapng.resize(at + 96);
    store(pcapng.data() + at, head);
    store(pcapng.data() + at + 92, head.block.total_length);
  }
  std::vector<std::byte> holed = pcapng;
  holed.resize(1024);
  holed.insert(holed.end(), pcapng.begin() + static_cast<std::ptrdiff_t>(packets), pcapng.end());
  std::vector<std::byte> torn(holed.begin(), holed.end() - 10);

  std::vector<std::byte> pcap;
  pcap::append_file_header(pcap, pcap::Precision::nanoseconds, 1, 262144);
  const std::size_t at = pcap.size();
  pcap.resize(at + sizeof(pcap::RecordHead) + 60);
  store(pcap.data() + at, pcap::RecordHead{1, 2, 60, 60});
  std::vector<std::byte> zeros = pcap;
  zeros.resize(zeros.size() + 500);
  return {as_input(pcapng), as_input(holed), as_input(torn), as_input(pcap), as_input(zeros)};
}
