#include "pcapfile/piece_encoder.hpp"

#include <array>

#include "base/contract.hpp"
#include "pcapfile/record_format.hpp"

namespace ringtail::pcapfile {

namespace {

constexpr std::size_t most_pieces = 1024;

// Mean length; below it the pieces' own cost is more than the copy's. store/README.md has the measurement.
constexpr std::uint64_t crossover_captured_length = 1500;

template <typename Format>
class AroundEncoder final : public PieceEncoder {
 public:
  bool fits(const detail::Margins& margins) const noexcept override {
    return margins.base != nullptr && margins.front_bytes >= Format::head_bytes &&
           margins.back_bytes >= Format::longest_end;
  }

  EncodedPieces encode(std::span<const PacketDescriptor> packets, std::byte* base, InterfaceMap interfaces,
                       std::uint64_t enough_bytes) noexcept override {
    EncodedPieces encoded;
    std::size_t count = 0;
    for (const PacketDescriptor& packet : packets) {
      std::byte* const data = base + packet.offset;
      Format::store_around(data, packet, interfaces);
      const std::size_t length = Format::record_length(packet);
      pieces_[count++] = {data - Format::head_bytes, length};
      encoded.bytes += length;
      if (count == most_pieces || encoded.bytes >= enough_bytes) break;
    }
    encoded.pieces = std::span(pieces_).first(count);
    return encoded;
  }

 private:
  std::array<iovec, most_pieces> pieces_;
};

}  // namespace

std::unique_ptr<PieceEncoder> make_piece_encoder(FileFormat format) {
  switch (format) {
    case FileFormat::pcapng:
      return std::make_unique<AroundEncoder<PcapngFormat>>();
    case FileFormat::pcap:
      return std::make_unique<AroundEncoder<PcapFormat<pcap::Precision::microseconds>>>();
    case FileFormat::nsecpcap:
      return std::make_unique<AroundEncoder<PcapFormat<pcap::Precision::nanoseconds>>>();
  }
  base::require(false, "a file format is one of three");
  return nullptr;
}

bool pieces_pay(std::span<const PacketDescriptor> packets) noexcept {
  std::uint64_t captured_bytes = 0;
  for (const PacketDescriptor& packet : packets) captured_bytes += packet.captured_length;
  return captured_bytes >= crossover_captured_length * packets.size();
}

}  // namespace ringtail::pcapfile
