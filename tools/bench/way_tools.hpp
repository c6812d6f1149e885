// What most ways into a file begin with.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <fcntl.h>
#include <span>
#include <string>

#include <ringtail/error.hpp>
#include <ringtail/source.hpp>

#include "base/file_descriptor.hpp"
#include "store/file_io.hpp"

namespace ringtail::bench {

[[nodiscard]] inline Result<base::FileDescriptor> create_file(const std::string& path, int flags = O_WRONLY) {
  base::FileDescriptor file(::open(path.c_str(), flags | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.is_open()) return tl::unexpected(system_error("create " + path, errno));
  return file;
}

[[nodiscard]] inline Result<void> write_whole(const base::FileDescriptor& file, std::span<const std::byte> bytes) {
  const auto written = store::write_all(file.get(), bytes);
  if (written.error_number != 0) return tl::unexpected(system_error("write", written.error_number));
  return {};
}

/// Calls `take` with every batch until the stream ends or `take` fails.
template <typename Take>
[[nodiscard]] Result<void> for_each_batch(Source& source, Take take) {
  for (;;) {
    auto [status, batch] = source.receive(std::chrono::milliseconds(100));
    if (status == ReceiveStatus::end_of_stream) return {};
    if (status != ReceiveStatus::packets) continue;
    if (Result<void> taken = take(batch); !taken) return taken;
  }
}

}  // namespace ringtail::bench
