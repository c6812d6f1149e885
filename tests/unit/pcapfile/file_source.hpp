// A file as a source: through the public face, as programs use it. What the tests of it share.
#pragma once

#include <algorithm>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

#include <ringtail/source.hpp>

#include "pcapfile/file_backend.hpp"
#include "unit/pcapfile/judge.hpp"
#include "unit/pcapfile/packets.hpp"

namespace ringtail::test {

inline Source open_source(const std::string& path, const OpenOptions& options = {}) {
  auto backend = pcapfile::open_file(path, options);
  if (!backend) throw std::runtime_error(backend.error().message());
  return Source(std::move(*backend));
}

inline Source open_source(const TemporaryFile& file, const OpenOptions& options = {}) {
  return open_source(file.path(), options);
}

inline std::string error_of(const std::string& path, const OpenOptions& options = {}) {
  auto backend = pcapfile::open_file(path, options);
  return backend ? "" : backend.error().message();
}

inline std::size_t count_packets(Source& source) {
  std::size_t count = 0;
  for (Received received; (received = source.receive(std::chrono::nanoseconds(0))).status == ReceiveStatus::packets;) {
    count += received.batch.size();
  }
  return count;
}

inline void expect_books_balance(const Source& source) {
  const Stats stats = source.stats();
  EXPECT_EQ(stats.received, stats.delivered + stats.dropped_ring + stats.unread);
}

inline void expect_packet(const PacketView& view, const Packets& packets, std::size_t index) {
  const auto bytes = packets.bytes(index);
  ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), view.bytes().begin(), view.bytes().end())) << index;
  ASSERT_EQ(view.timestamp_ns(), packets.descriptors[index].timestamp_ns);
  ASSERT_EQ(view.wire_length(), packets.descriptors[index].wire_length);
}

}  // namespace ringtail::test
