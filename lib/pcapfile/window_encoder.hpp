// Encoders that copy packets, tightly packed, into memory that somebody else provides.
#pragma once

#include <memory>

#include <ringtail/recorder.hpp>

#include "pcapfile/encoder.hpp"

namespace ringtail::pcapfile {

/// pcapng: an Enhanced Packet Block per packet, with flags, flow hash and queue where there is something to say.
/// pcap and nsecpcap: a record per packet. File headers are not the encoder's: see pcapng.hpp and pcap.hpp.
[[nodiscard]] std::unique_ptr<WindowEncoder> make_window_encoder(FileFormat format);

}  // namespace ringtail::pcapfile
