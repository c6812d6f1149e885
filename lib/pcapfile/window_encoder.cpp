#include "pcapfile/window_encoder.hpp"

#include "base/contract.hpp"
#include "pcapfile/record_format.hpp"

namespace ringtail::pcapfile {

namespace {

template <typename Format>
class PackedEncoder final : public WindowEncoder {
 public:
  Encoded encode(std::span<const PacketDescriptor> packets, const std::byte* memory_base, InterfaceMap interfaces,
                 std::span<std::byte> window) noexcept override {
    Encoded encoded;
    for (const PacketDescriptor& packet : packets) {
      const std::size_t length = Format::record_length(packet);
      if (length > window.size() - encoded.bytes) break;
      Format::store_record(window.data() + encoded.bytes, packet, memory_base + packet.offset, interfaces);
      encoded.bytes += length;
      ++encoded.packets;
    }
    return encoded;
  }

  std::size_t record_bytes(std::uint32_t captured_length) const noexcept override {
    return Format::longest_record(captured_length);
  }
};

}  // namespace

std::unique_ptr<WindowEncoder> make_window_encoder(FileFormat format) {
  switch (format) {
    case FileFormat::pcapng:
      return std::make_unique<PackedEncoder<PcapngFormat>>();
    case FileFormat::pcap:
      return std::make_unique<PackedEncoder<PcapFormat<pcap::Precision::microseconds>>>();
    case FileFormat::nsecpcap:
      return std::make_unique<PackedEncoder<PcapFormat<pcap::Precision::nanoseconds>>>();
  }
  base::require(false, "a file format is one of three");
  return nullptr;
}

}  // namespace ringtail::pcapfile
