#include "unit/pcapfile/in_place_rig.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <utility>

#include "base/sanitizer.hpp"
#include "pcapfile/pcap.hpp"
#include "tpacket/block.hpp"
#include "unit/pcapfile/files.hpp"

namespace ringtail::test {

namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t tag_offset = 12;
constexpr std::uint32_t tag_bytes = 4;
constexpr std::array<std::uint8_t, tag_bytes> tag = {0x81, 0x00, 0x61, 0x23};
// Two locally administered addresses and IEEE 802's type for local experiments, so that no dissector has an opinion.
constexpr std::array<std::uint8_t, 14> ethernet_header = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};
constexpr std::uint32_t pool_bytes = 1U << 20;
constexpr std::byte poison{0xaa};

// The file's interfaces in another order than the source's, to see that somebody looks at the map.
constexpr std::array<std::uint32_t, 3> interface_map = {2, 0, 1};

constexpr std::uint32_t flags_of_type[5] = {packet_flags::inbound | packet_flags::unicast,
                                            packet_flags::inbound | packet_flags::broadcast,
                                            packet_flags::inbound | packet_flags::multicast,
                                            packet_flags::inbound | packet_flags::promiscuous, packet_flags::outbound};

std::uint32_t hash_of(std::uint64_t timestamp_ns) {
  return static_cast<std::uint32_t>(timestamp_ns * 2654435761U);
}

std::vector<std::byte> header_of(FileFormat format) {
  std::vector<std::byte> header = file_header(format);  // two interfaces in pcapng
  if (format == FileFormat::pcapng) {
    Interface third;
    third.name = "third";
    third.link_type = link_type::ethernet;
    pcapfile::pcapng::append_interface_description(header, third, 0, {});
  }
  return header;
}

}  // namespace

InPlaceRig::InPlaceRig(const RigOptions& options)
    : options_(options),
      geometry_(fixture::small_geometry(options.block_count, options.block_bytes, options.snaplen)),
      random_(options.seed),
      pool_(pool_bytes),
      backend_(new fixture::FakeBackend(geometry_, options.batch_packets)),
      encoder_(pcapfile::make_in_place_encoder(options.format, options.layout)),
      file_(header_of(options.format)) {
  for (std::size_t at = 0; at < pool_.size(); at += sizeof(std::uint32_t)) {
    const auto value = static_cast<std::uint32_t>(random_());
    std::memcpy(&pool_[at], &value, sizeof value);
  }
  const auto ring = backend_->ring();
  for (std::size_t block = 0; block < ring.size(); block += options.block_bytes) {
    const std::size_t begin = block + tpacket::block_header_bytes;
    std::memset(&ring[begin], static_cast<int>(poison), options.block_bytes - tpacket::block_header_bytes);
  }
}

void InPlaceRig::send(const FrameShape& shape) {
  const std::uint32_t payload_bytes = shape.bytes - static_cast<std::uint32_t>(ethernet_header.size());
  const auto payload = static_cast<std::uint32_t>(random_() % (pool_bytes - payload_bytes));
  frame_.resize(shape.bytes);
  std::memcpy(frame_.data(), ethernet_header.data(), ethernet_header.size());
  std::memcpy(frame_.data() + ethernet_header.size(), &pool_[payload], payload_bytes);
  const std::uint64_t timestamp_ns = 1'700'000'000'000'000'000 + expected_.size() * 1'000'003;
  ASSERT_TRUE(backend_->kernel().deliver({.bytes = frame_,
                                          .timestamp_ns = timestamp_ns,
                                          .link_header_bytes = shape.link_header_bytes,
                                          .interface_index = shape.interface_index,
                                          .packet_type = shape.packet_type,
                                          .has_tag = shape.has_tag,
                                          .vlan_tci = tag[2] << 8 | tag[3]}));
  remember(shape, timestamp_ns, payload);
  sent_bytes_ += shape.bytes + 128;
  if (sent_bytes_ > options_.block_bytes / 2) drain();
}

void InPlaceRig::remember(const FrameShape& shape, std::uint64_t timestamp_ns, std::uint32_t payload) {
  auto known = std::find(interfaces_.begin(), interfaces_.end(), shape.interface_index);
  if (known == interfaces_.end()) known = interfaces_.insert(known, shape.interface_index);
  Expected expected{};
  expected.timestamp_ns = timestamp_ns;
  expected.payload = payload;
  expected.captured_length = std::min(shape.bytes, geometry_.captured_limit);
  expected.wire_length = shape.bytes;
  expected.has_tag = shape.has_tag && expected.captured_length >= tag_offset;
  if (expected.has_tag) {
    expected.captured_length = std::min(expected.captured_length + tag_bytes, options_.snaplen);
    expected.wire_length += tag_bytes;
  }
  expected.flags = flags_of_type[shape.packet_type];
  if (options_.has_hashes) {
    expected.flags |= packet_flags::rx_hash_valid;
    expected.rx_hash = hash_of(timestamp_ns);
  }
  expected.interface_id =
      static_cast<std::uint16_t>(interface_map[static_cast<std::size_t>(known - interfaces_.begin())]);
  expected_.push_back(expected);
}

void InPlaceRig::flush() {
  backend_->kernel().retire_timer();
  drain();
}

void InPlaceRig::drain() {
  sent_bytes_ = 0;
  Batch batch;
  while (backend_->receive(0ns, batch) == ReceiveStatus::packets) encode(batch);
}

std::uint32_t InPlaceRig::carry_bytes() {
  if (carry_next_) return *std::exchange(carry_next_, std::nullopt);
  if (!options_.carries_at_random) return static_cast<std::uint32_t>(file_.size() % options_.alignment);
  const std::size_t most = std::min<std::size_t>(file_.size(), geometry_.first_offset - geometry_.carry_offset);
  const auto carried = static_cast<std::uint32_t>(random_() % (most + 1));
  return options_.format == FileFormat::pcapng ? carried & ~3U : carried;
}

void InPlaceRig::encode(Batch& batch) {
  const detail::InPlace in_place = batch.slot()->in_place;
  if (in_place.is_first()) {
    carried_ = carry_bytes();
    if (carried_ != 0) std::memcpy(in_place.base + in_place.carry_offset, &file_[file_.size() - carried_], carried_);
    encoder_->begin(in_place, carried_);
  }
  const std::span<PacketDescriptor> packets(batch.slot()->descriptors, batch.size());
  for (PacketDescriptor& packet : packets) {
    if (!options_.has_hashes) break;
    packet.flags |= packet_flags::rx_hash_valid;
    packet.rx_hash = hash_of(packet.timestamp_ns);
  }
  encoder_->add(packets, interface_map);
  const bool is_last = in_place.is_last();
  if (is_last) {
    const bool pads = options_.pads && options_.format == FileFormat::pcapng;
    const auto encoded = encoder_->finish(pads ? options_.alignment : 1);
    ASSERT_EQ(encoded.begin % options_.alignment, 0U);
    ASSERT_LE(encoded.end, in_place.limit_offset);
    ASSERT_TRUE(!pads || encoded.end % options_.alignment == 0);
    file_.resize(file_.size() - carried_);
    file_.insert(file_.end(), in_place.base + encoded.begin, in_place.base + encoded.end);
    ++(encoded.dilated ? dilated_blocks_ : compacted_blocks_);
    copied_bytes_ += encoded.copied_bytes;
  }
  batch.reset();
  if (!is_last) return;
  std::byte* const records = in_place.base + tpacket::block_header_bytes;
  const std::size_t record_bytes = options_.block_bytes - tpacket::block_header_bytes;
  base::unpoison(records, record_bytes);
  std::memset(records, static_cast<int>(poison), record_bytes);
  base::poison(records, record_bytes);
}

void InPlaceRig::append_bytes(const Expected& expected, std::vector<std::byte>& out) const {
  const std::size_t begin = out.size();
  const auto append = [&out](const auto& bytes) {
    const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
    out.insert(out.end(), first, first + bytes.size());
  };
  append(std::span(ethernet_header).first(tag_offset));
  if (expected.has_tag) append(tag);
  append(std::span(ethernet_header).subspan(tag_offset));
  const std::size_t head = out.size() - begin;
  if (expected.captured_length > head)
    append(std::span(pool_).subspan(expected.payload, expected.captured_length - head));
  out.resize(begin + expected.captured_length);
}

bool InPlaceRig::has_bytes(const Expected& expected, std::span<const std::byte> bytes) const {
  const std::size_t head = ethernet_header.size() + (expected.has_tag ? tag.size() : 0);
  if (bytes.size() != expected.captured_length) return false;
  if (bytes.size() > head && std::memcmp(&bytes[head], &pool_[expected.payload], bytes.size() - head) != 0) {
    return false;
  }
  std::array<std::uint8_t, ethernet_header.size() + tag.size()> start{};
  auto end = std::copy_n(ethernet_header.begin(), tag_offset, start.begin());
  if (expected.has_tag) end = std::copy(tag.begin(), tag.end(), end);
  std::copy(ethernet_header.begin() + tag_offset, ethernet_header.end(), end);
  return std::memcmp(bytes.data(), start.data(), std::min(bytes.size(), head)) == 0;
}

void InPlaceRig::expect_every_frame() const {
  const StrictWalk walk = walk_strictly(options_.format, file_);
  EXPECT_EQ(walk.complaint, "");
  EXPECT_EQ(walk.records.size(), expected_.size());
  if (walk.complaint.empty() && walk.records.size() != expected_.size()) return;
  for (std::size_t index = 0; index < walk.records.size(); ++index) {
    const FileRecord& record = walk.records[index];
    const Expected& expected = expected_[index];
    const std::uint64_t unit_ns = options_.format == FileFormat::pcap ? 1000 : 1;
    ASSERT_EQ(record.timestamp_ns, expected.timestamp_ns / unit_ns * unit_ns) << index;
    ASSERT_EQ(record.captured_length, expected.captured_length) << index;
    ASSERT_EQ(record.wire_length, expected.wire_length) << index;
    ASSERT_TRUE(has_bytes(expected, record.bytes)) << index;
    if (options_.format != FileFormat::pcapng) continue;
    ASSERT_EQ(record.interface_id, expected.interface_id) << index;
    ASSERT_EQ(record.flags, expected.flags) << index;
    ASSERT_EQ(record.rx_hash, expected.rx_hash) << index;
  }
}

std::vector<std::byte> InPlaceRig::expected_nsecpcap() const {
  std::vector<std::byte> file = file_header(FileFormat::nsecpcap);
  for (const Expected& expected : expected_) {
    const std::uint32_t head[4] = {static_cast<std::uint32_t>(expected.timestamp_ns / 1'000'000'000),
                                   static_cast<std::uint32_t>(expected.timestamp_ns % 1'000'000'000),
                                   expected.captured_length, expected.wire_length};
    const auto bytes = std::as_bytes(std::span(head));
    file.insert(file.end(), bytes.begin(), bytes.end());
    append_bytes(expected, file);
  }
  return file;
}

}  // namespace ringtail::test
