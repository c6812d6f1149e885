// Compresses a file into Zstandard frames that stand alone, with a table of them at the end (frame_table.hpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include <ringtail/error.hpp>

namespace ringtail::store {

inline constexpr std::size_t zstd_frame_bytes = std::size_t{4} << 20;  ///< of the file, in every frame but the last

/// Compresses all of `from` to the beginning of `to`; how many bytes that became. Errors name `what`. Needs memory for
/// two frames and zstd's own few MiB. Ends early, with ECANCELED, once `give_up` is set.
[[nodiscard]] Result<std::uint64_t> compress_seekably(int from, int to, const std::string& what,
                                                      const std::atomic<bool>& give_up);

}  // namespace ringtail::store
