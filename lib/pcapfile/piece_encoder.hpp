// An encoder that moves no packet: the record's head goes right in front of the packet's bytes and its end right behind
// them, so each packet is one piece of the file wherever it lies.
//
//      mbuf   | rte_mbuf | headroom ..     | head | packet bytes | pad, options, length | tailroom .. |
//                                          |<----------------- a piece ---------------->|
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <sys/uio.h>

#include <ringtail/recorder.hpp>

#include "pcapfile/encoder.hpp"
#include "ring/batch_slot.hpp"

namespace ringtail::pcapfile {

/// Each piece is the whole record of one packet, in the packets' order. Good until the next encode().
struct EncodedPieces {
  std::span<const iovec> pieces;
  std::uint64_t bytes = 0;  ///< of all of them
};

/// The file's content is that of the WindowEncoder of the same format.
class PieceEncoder {
 public:
  virtual ~PieceEncoder() = default;

  /// True when a record fits around every packet of the batch.
  [[nodiscard]] virtual bool fits(const detail::Margins& margins) const noexcept = 0;

  /// Encodes packets until there is none left, or the records have reached `enough_bytes`, or there are as many pieces
  /// as go at once; at least one of a non-empty span. `base` is that of margins it fits.
  [[nodiscard]] virtual EncodedPieces encode(std::span<const PacketDescriptor> packets, std::byte* base,
                                             InterfaceMap interfaces, std::uint64_t enough_bytes) noexcept = 0;
};

[[nodiscard]] std::unique_ptr<PieceEncoder> make_piece_encoder(FileFormat format);

/// True when packets are so long that handing each of them over costs the kernel less than copying all of them together
/// costs us. `packets` are not none.
[[nodiscard]] bool pieces_pay(std::span<const PacketDescriptor> packets) noexcept;

}  // namespace ringtail::pcapfile
