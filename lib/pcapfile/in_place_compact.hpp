// Compact: a ring block's packets move down to where the file bytes begin, each behind the record of the one before.
#pragma once

#include <memory>

#include <ringtail/recorder.hpp>

#include "pcapfile/encoder.hpp"

namespace ringtail::pcapfile {

/// Moves packets, so nobody else may still read the block.
[[nodiscard]] std::unique_ptr<InPlaceEncoder> make_compact_encoder(FileFormat format);

}  // namespace ringtail::pcapfile
