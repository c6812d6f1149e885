#include <algorithm>

#include "pcapfile/damage_walk.hpp"
#include "pcapfile/pcap.hpp"

namespace ringtail::pcapfile {

namespace {

/// libpcap's MAXIMUM_SNAPLEN: readers give up at longer packets, but for a few link types (USB) that say so.
constexpr std::uint32_t maximum_snaplen = 262'144;
constexpr std::uint32_t largest_believed_snaplen = 16U << 20;
/// A length of ones: nobody has written it.
constexpr std::uint32_t no_length = 0xffffffff;

class PcapWalk {
 public:
  explicit PcapWalk(FileBytes& bytes) : bytes_(bytes) {}

  Damage run() {
    if (!read_file_head()) return std::move(damage_);
    offset_ = sizeof(pcap::FileHead);
    while (offset_ < bytes_.size()) {
      const std::span<const std::byte> head = bytes_.at(offset_, record_head_bytes_);
      const Record record = look(head);
      if (record.problem != nullptr) {
        note(record.problem);
        damage_.is_repairable = is_torn_tail(head, record);
        break;
      }
      ++damage_.packets;
      offset_ += record_head_bytes_ + record.captured_length;
    }
    damage_.length = offset_;
    damage_.packets_before = damage_.packets;
    return std::move(damage_);
  }

 private:
  struct Record {
    const char* problem = nullptr;
    std::uint32_t captured_length = 0;
    bool is_cut_off = false;
  };

  [[nodiscard]] bool read_file_head() {
    const std::span<const std::byte> head = bytes_.at(0, sizeof(pcap::FileHead));
    if (head.size() < sizeof(pcap::FileHead)) {
      note("a file header that is cut off");
      damage_.is_repairable = false;
      return false;
    }
    const auto stored = load<std::uint32_t>(head.data());
    const bool is_native =
        stored == pcap::magic::microseconds || stored == pcap::magic::nanoseconds || stored == pcap::magic::kuznetsov;
    order_ = ByteOrder(!is_native);
    const std::uint32_t magic = order_.u32(head.data());
    const std::uint32_t snaplen = order_.u32(head.data() + offsetof(pcap::FileHead, snaplen));
    longest_packet_bytes_ = std::max(maximum_snaplen, std::min(snaplen, largest_believed_snaplen));
    if (magic == pcap::magic::kuznetsov) record_head_bytes_ = pcap::kuznetsov_record_head_bytes;
    return true;
  }

  [[nodiscard]] Record look(std::span<const std::byte> head) const {
    if (head.size() < record_head_bytes_) return {.problem = "a record that is cut off", .is_cut_off = true};
    const std::uint32_t captured = order_.u32(head.data() + offsetof(pcap::RecordHead, captured_length));
    const bool is_empty = std::ranges::all_of(head.first(record_head_bytes_), [](auto b) { return b == std::byte{0}; });
    if (is_empty) return {.problem = "zeros in place of a record"};
    if (captured > longest_packet_bytes_) {
      return {.problem = "a packet longer than any can be", .captured_length = captured};
    }
    if (offset_ + record_head_bytes_ + captured > bytes_.size()) {
      return {.problem = "a record that is cut off", .captured_length = captured, .is_cut_off = true};
    }
    return {.captured_length = captured};
  }

  [[nodiscard]] bool is_torn_tail(std::span<const std::byte> head, const Record& record) {
    if (record.is_cut_off) return offset_ + head.size() == bytes_.size() || head.size() >= record_head_bytes_;
    return is_all_from(bytes_, offset_) || is_cover(record);
  }

  /// What our mmap writer has filled its window with: ones, but for the data of a record that has no head yet.
  [[nodiscard]] bool is_cover(const Record& record) {
    if (record.captured_length != no_length) return false;
    const std::uint64_t end_of_data = offset_ + record_head_bytes_ + longest_packet_bytes_;
    const std::uint64_t last_head =
        bytes_.size() - std::min<std::uint64_t>(bytes_.size() - offset_, record_head_bytes_);
    return is_all_from(bytes_, std::min(end_of_data, last_head), std::byte{0xff});
  }

  void note(const char* problem) {
    damage_.problem = problem;
    damage_.offset = offset_;
  }

  FileBytes& bytes_;
  ByteOrder order_;
  std::uint32_t record_head_bytes_ = sizeof(pcap::RecordHead);
  std::uint32_t longest_packet_bytes_ = maximum_snaplen;
  std::uint64_t offset_ = 0;
  Damage damage_;
};

}  // namespace

Damage find_pcap_damage(FileBytes& bytes) {
  return PcapWalk(bytes).run();
}

}  // namespace ringtail::pcapfile
