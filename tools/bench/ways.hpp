// The ways from a packet in the kernel to a byte in a file that the copy table compares.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include <ringtail/error.hpp>
#include <ringtail/source.hpp>

#include "bench/synthetic_ring.hpp"

namespace ringtail::bench {

/// One row of the copy table. What is written is a valid capture file, unless `is_capture_file` says otherwise.
struct Way {
  std::string name;
  std::string description;  ///< one line: who moves the bytes
  /// The encoder writes straight into the page cache, so finding the file there means no further copy.
  bool writes_into_page_cache = false;
  bool is_capture_file = true;
  /// Runs in the child until the stream ends. Exactly one of the two is set: from a ring, or from a packet socket that
  /// hears the interface with this index.
  std::function<Result<WayBooks>(Source& source, const std::string& path)> from_ring{};
  std::function<Result<WayBooks>(std::uint32_t interface, RingControl& control, const std::string& path)> from_socket{};
};

/// In the order of the table. The last one writes ring blocks to the disk as they are: what the disk can do.
[[nodiscard]] std::span<const Way> ways();

/// The name of that last one.
inline constexpr const char* raw_disk_way = "plain O_DIRECT";

}  // namespace ringtail::bench
