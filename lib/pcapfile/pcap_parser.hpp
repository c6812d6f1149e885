// Classic pcap, record by record. Used through Parser, whose header says how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <ringtail/interface.hpp>
#include <ringtail/packet.hpp>

#include "pcapfile/bytes.hpp"
#include "pcapfile/progress.hpp"

namespace ringtail::pcapfile {

class PcapParser {
 public:
  explicit PcapParser(std::size_t largest_record_bytes) noexcept : largest_record_bytes_(largest_record_bytes) {}

  /// True when a file that begins with these four bytes is ours.
  [[nodiscard]] static bool recognises(const std::byte* first_four_bytes) noexcept;

  [[nodiscard]] Progress parse(std::span<const std::byte> memory, std::size_t begin,
                               std::span<PacketDescriptor> out) noexcept;
  [[nodiscard]] const Interface& interface() const noexcept { return interface_; }
  [[nodiscard]] std::uint32_t interface_index() const noexcept { return 0; }
  void accept_interface(std::uint16_t interface_id) noexcept { interface_id_ = interface_id; }
  [[nodiscard]] bool is_between_records() const noexcept { return true; }
  [[nodiscard]] std::uint64_t malformed() const noexcept { return 0; }

 private:
  [[nodiscard]] Progress read_file_head(std::span<const std::byte> bytes) noexcept;

  std::size_t largest_record_bytes_;
  ByteOrder order_;
  Interface interface_;
  std::uint32_t record_head_bytes_ = 0;  // 0: the file's head has not been read yet
  std::uint32_t fraction_ns_ = 0;
  std::uint16_t interface_id_ = 0;
};

}  // namespace ringtail::pcapfile
