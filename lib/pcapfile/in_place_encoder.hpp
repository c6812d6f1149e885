// Encoders that turn a ring block into file bytes where it stands: no buffer, and where it pays no copy.
#pragma once

#include <memory>

#include <ringtail/recorder.hpp>

#include "pcapfile/encoder.hpp"

namespace ringtail::pcapfile {

/// Layout::dilate needs pcapng. Layout::automatic chooses for each block by its first batch: dilate where packets are
/// long enough, else compact. One encoder serves any number of blocks, one after the other.
[[nodiscard]] std::unique_ptr<InPlaceEncoder> make_in_place_encoder(FileFormat format, Layout layout);

}  // namespace ringtail::pcapfile
