// The two ways into the page cache that do without write(2).
#include <algorithm>
#include <array>
#include <memory>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/mapping.hpp"
#include "bench/classic_ways.hpp"
#include "bench/way_tools.hpp"
#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "pcapfile/window_encoder.hpp"

namespace ringtail::bench {

namespace {

constexpr std::uint32_t snaplen = 262144;

/// A file that is written by storing into a window of it, which moves on when it is full.
class MappedFile {
 public:
  explicit MappedFile(base::FileDescriptor file) : file_(std::move(file)) {}

  [[nodiscard]] std::span<std::byte> room() const { return window_.memory().subspan(end_ - window_begin_); }
  void advance(std::size_t bytes) { end_ += bytes; }

  /// A fresh window from the page of the file's end on. Allocated on the disk first: storing into a hole when the disk
  /// is full would end the process.
  [[nodiscard]] Result<void> move_on() {
    window_begin_ = end_ / window_step * window_step;
    const auto offset = static_cast<off_t>(window_begin_);
    if (::fallocate(file_.get(), 0, offset, window_bytes) != 0) {
      return tl::unexpected(system_error("allocate the file", errno));
    }
    auto window = base::Mapping::shared(file_.get(), window_bytes, window_begin_, false);
    if (!window) return tl::unexpected(std::move(window.error()));
    window_ = std::move(*window);
    return {};
  }

  [[nodiscard]] Result<void> finish() {
    window_ = {};
    if (::ftruncate(file_.get(), static_cast<off_t>(end_)) == 0) return {};
    return tl::unexpected(system_error("cut the file to its length", errno));
  }

 private:
  static constexpr std::size_t window_bytes = std::size_t{16} << 20;
  static constexpr std::uint64_t window_step = 4096;

  base::FileDescriptor file_;
  base::Mapping window_;
  std::uint64_t window_begin_ = 0;
  std::uint64_t end_ = 0;
};

/// A pipe of 1 MiB between packets where they stand and a classic pcap file. A piece of memory takes a slot of the pipe
/// for each page that it touches.
class RecordSplicer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<RecordSplicer>> create(base::FileDescriptor file) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return tl::unexpected(system_error("make a pipe", errno));
    std::unique_ptr<RecordSplicer> splicer(
        new RecordSplicer(std::move(file), base::FileDescriptor(ends[0]), base::FileDescriptor(ends[1])));
    if (::fcntl(ends[1], F_SETPIPE_SZ, slots * page_bytes) >= 0) return splicer;
    return tl::unexpected(system_error("widen a pipe", errno));
  }

  /// Refers to the packet until the next flush().
  [[nodiscard]] Result<void> add(const PacketView& packet) {
    const auto begin = reinterpret_cast<std::uintptr_t>(packet.data());
    const std::size_t wanted = 1 + (begin + packet.captured_length() - 1) / page_bytes - begin / page_bytes + 1;
    if (used_slots_ + wanted > slots) {
      if (auto moved = flush(); !moved) return moved;
    }
    Head& head = heads_[pieces_.size() / 2];
    head = pcapfile::pcap::make_record_head<pcapfile::pcap::Precision::microseconds>(packet.descriptor());
    pieces_.push_back({.iov_base = &head, .iov_len = sizeof head});
    pieces_.push_back({.iov_base = const_cast<std::byte*>(packet.data()), .iov_len = packet.captured_length()});
    used_slots_ += wanted;
    bytes_ += sizeof head + packet.captured_length();
    return {};
  }

  /// Moves what was added into the file.
  [[nodiscard]] Result<void> flush() {
    const ssize_t taken = pieces_.empty() ? 0 : ::vmsplice(input_.get(), pieces_.data(), pieces_.size(), 0);
    if (taken != static_cast<ssize_t>(bytes_)) return tl::unexpected(system_error("vmsplice", taken < 0 ? errno : EIO));
    while (bytes_ != 0) {
      const ssize_t moved = ::splice(output_.get(), nullptr, file_.get(), nullptr, bytes_, 0);
      if (moved <= 0) return tl::unexpected(system_error("splice", moved < 0 ? errno : EIO));
      bytes_ -= static_cast<std::size_t>(moved);
    }
    pieces_.clear();
    used_slots_ = 0;
    return {};
  }

 private:
  using Head = pcapfile::pcap::RecordHead;
  static constexpr std::size_t slots = 256;
  static constexpr std::size_t page_bytes = 4096;

  RecordSplicer(base::FileDescriptor file, base::FileDescriptor output, base::FileDescriptor input)
      : file_(std::move(file)), output_(std::move(output)), input_(std::move(input)) {
    pieces_.reserve(slots);
  }

  base::FileDescriptor file_;
  base::FileDescriptor output_;
  base::FileDescriptor input_;
  alignas(sizeof(Head)) std::array<Head, slots / 2> heads_{};  // aligned: none lies on two pages
  std::vector<iovec> pieces_;
  std::size_t used_slots_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<WayBooks> copy_into_mapping(Source& source, const std::string& path) {
  auto created = create_file(path, O_RDWR);
  if (!created) return tl::unexpected(std::move(created.error()));
  MappedFile file(std::move(*created));
  if (auto moved = file.move_on(); !moved) return tl::unexpected(std::move(moved.error()));
  pcapfile::pcapng::Bytes head;
  pcapfile::pcapng::append_section_header(head, {});
  pcapfile::pcapng::append_interface_description(head, source.interface(0), snaplen, "");
  std::ranges::copy(head, file.room().begin());
  file.advance(head.size());

  const auto encoder = pcapfile::make_window_encoder(FileFormat::pcapng);
  constexpr std::array<std::uint32_t, 1> interfaces = {0};
  WayBooks books;
  auto done = for_each_batch(source, [&](const Batch& batch) -> Result<void> {
    std::span<const PacketDescriptor> packets{batch.slot()->descriptors, batch.size()};
    books.packets += batch.size();
    for (;;) {
      const auto encoded = encoder->encode(packets, batch.slot()->memory_base, interfaces, file.room());
      file.advance(encoded.bytes);
      books.user_copied_bytes += encoded.bytes;
      packets = packets.subspan(encoded.packets);
      if (packets.empty()) return {};
      if (auto moved = file.move_on(); !moved) return moved;
    }
  });
  if (done) done = file.finish();
  if (!done) return tl::unexpected(std::move(done.error()));
  return books;
}

Result<WayBooks> splice_records(Source& source, const std::string& path) {
  auto file = create_file(path);
  if (!file) return tl::unexpected(std::move(file.error()));
  std::vector<std::byte> head;
  pcapfile::pcap::append_file_header(head, pcapfile::pcap::Precision::microseconds, link_type::ethernet, snaplen);
  if (auto written = write_whole(*file, head); !written) return tl::unexpected(std::move(written.error()));
  auto splicer = RecordSplicer::create(std::move(*file));
  if (!splicer) return tl::unexpected(std::move(splicer.error()));

  WayBooks books;
  auto done = for_each_batch(source, [&](const Batch& batch) -> Result<void> {
    for (const PacketView packet : batch) {
      if (auto added = (*splicer)->add(packet); !added) return added;
    }
    books.packets += batch.size();
    return (*splicer)->flush();  // the batch's memory goes back now
  });
  if (!done) return tl::unexpected(std::move(done.error()));
  return books;
}

}  // namespace ringtail::bench
