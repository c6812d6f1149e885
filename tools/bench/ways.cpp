#include "bench/ways.hpp"

#include <cstdio>
#include <vector>

#include <ringtail/recorder.hpp>

#include "bench/classic_ways.hpp"

namespace ringtail::bench {

namespace {

using namespace std::chrono_literals;

/// As RecorderStats::writer.
std::string_view name_of(Writer writer) {
  switch (writer) {
    case Writer::automatic:
      return "auto";
    case Writer::direct:
      return "direct";
    case Writer::splice:
      return "splice";
    case Writer::write:
      return "write";
    case Writer::mmap:
      return "mmap";
  }
  return "";
}

/// The library's own recorder, told how. Where it cannot do that and does something else, that is an error.
Result<WayBooks> record(Source& source, const std::string& path, RecorderOptions options) {
  options.path = path;
  const Writer wanted = options.writer;
  auto recorder = Recorder::create(std::move(options));
  if (!recorder) return tl::unexpected(std::move(recorder.error()));
  const auto id = recorder->add_source(source);
  if (!id) return tl::unexpected(id.error());
  for (;;) {
    auto [status, batch] = source.receive(100ms);
    if (status == ReceiveStatus::end_of_stream) break;
    if (status == ReceiveStatus::packets) recorder->write(*id, std::move(batch));
    recorder->tick();
  }
  if (auto finished = recorder->finish(); !finished) return tl::unexpected(std::move(finished.error()));
  const RecorderStats stats = recorder->stats();
  if (wanted != Writer::automatic && stats.writer != name_of(wanted)) {
    return tl::unexpected(make_error("write " + path, "not here: '" + stats.writer + "' took its place"));
  }
  WayBooks books;
  books.packets = stats.written_packets;
  books.user_copied_bytes = stats.copied_bytes;
  std::snprintf(books.detail, sizeof books.detail, "%s; %llu dilated, %llu compacted", stats.writer.c_str(),
                static_cast<unsigned long long>(stats.dilated_chunks),
                static_cast<unsigned long long>(stats.compacted_chunks));
  return books;
}

Way recorder_way(const char* name, const char* description, Writer writer, Layout layout,
                 FileFormat format = FileFormat::pcapng) {
  Way way;
  way.name = name;
  way.description = description;
  way.from_ring = [=](Source& source, const std::string& path) {
    return record(source, path, {.format = format, .writer = writer, .layout = layout});
  };
  return way;
}

Way ring_way(const char* name, const char* description, Result<WayBooks> (*run)(Source&, const std::string&)) {
  Way way;
  way.name = name;
  way.description = description;
  way.from_ring = run;
  return way;
}

std::vector<Way> make_ways() {
  std::vector<Way> ways;
  Way socket;
  socket.name = "recvfrom + write";
  socket.description = "a packet socket without a ring; one call to read, one to write each packet";
  socket.from_socket = receive_and_write;
  ways.push_back(std::move(socket));
  ways.push_back(ring_way("libpcap + stdio", "ring, pcap_dump() of each packet: tcpdump's way", dump_with_stdio));
  ways.push_back(
      ring_way("copy + write", "ring, packets gathered in a 1 MiB buffer, write(2) of the buffer", copy_and_write));
  Way mapping = ring_way("mmap", "ring, packets copied into a mapped window of the file", copy_into_mapping);
  mapping.writes_into_page_cache = true;
  ways.push_back(std::move(mapping));
  ways.push_back(ring_way("splice to page cache", "ring, vmsplice + splice of each packet behind a head of its own",
                          splice_records));
  ways.push_back(recorder_way("dilate + splice", "ring block dilated into pcapng, vmsplice + splice into O_DIRECT",
                              Writer::splice, Layout::dilate));
  ways.push_back(recorder_way("dilate + direct", "ring block dilated into pcapng, written with O_DIRECT",
                              Writer::direct, Layout::dilate));
  ways.push_back(recorder_way("compact pcapng + direct", "ring block compacted into pcapng, written with O_DIRECT",
                              Writer::direct, Layout::compact));
  ways.push_back(recorder_way("compact pcap + direct", "ring block compacted into classic pcap, written with O_DIRECT",
                              Writer::direct, Layout::compact, FileFormat::pcap));
  ways.push_back(recorder_way("ringtail's default", "the writer and layout that ringtail chooses by itself",
                              Writer::automatic, Layout::automatic));
  Way raw = ring_way(raw_disk_way, "ring blocks written as they are, O_DIRECT: no capture file, the disk's own speed",
                     write_raw_blocks);
  raw.is_capture_file = false;
  ways.push_back(std::move(raw));
  return ways;
}

}  // namespace

std::span<const Way> ways() {
  static const std::vector<Way> all = make_ways();
  return all;
}

}  // namespace ringtail::bench
