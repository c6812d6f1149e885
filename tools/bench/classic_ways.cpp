#include "bench/classic_ways.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <memory>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <span>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "base/file_descriptor.hpp"
#include "bench/way_tools.hpp"
#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "pcapfile/window_encoder.hpp"
#include "store/file_io.hpp"

namespace ringtail::bench {

namespace {

constexpr std::uint32_t snaplen = 262144;
constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

// ---- A packet socket -----------------------------------------------------------------------------------------------

/// Hears one interface, with room for `buffer_bytes` and time stamps.
Result<base::FileDescriptor> open_packet_socket(std::uint32_t interface) {
  constexpr int room_bytes = 64 << 20;
  constexpr int on = 1;
  constexpr timeval patience = {.tv_sec = 0, .tv_usec = 20'000};
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(interface);
  base::FileDescriptor socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!socket.is_open() ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room_bytes, sizeof room_bytes) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return tl::unexpected(system_error("open a packet socket", errno));
  }
  return socket;
}

std::uint64_t timestamp_of(msghdr& message) {
  timespec time = {};
  const cmsghdr* const control = CMSG_FIRSTHDR(&message);
  if (control != nullptr && control->cmsg_type == SO_TIMESTAMPNS) std::memcpy(&time, CMSG_DATA(control), sizeof time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

Result<WayBooks> receive_and_write(std::uint32_t interface, RingControl& control, const std::string& path) {
  auto socket = open_packet_socket(interface);
  auto file = create_file(path);
  if (!socket || !file) return tl::unexpected(socket ? file.error() : socket.error());
  std::vector<std::byte> record;
  pcapfile::pcap::append_file_header(record, pcapfile::pcap::Precision::microseconds, link_type::ethernet, snaplen);
  if (auto written = write_whole(*file, record); !written) return tl::unexpected(written.error());

  constexpr std::size_t head_bytes = sizeof(pcapfile::pcap::RecordHead);
  record.resize(head_bytes + snaplen);
  std::array<std::byte, 256> ancillary{};
  iovec part = {.iov_base = record.data() + head_bytes, .iov_len = snaplen};
  WayBooks books;
  control.consumed.store(1, std::memory_order_release);  // ready: the parent waits for this before it sends
  for (;;) {
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = ancillary.data();
    message.msg_controllen = ancillary.size();
    const ssize_t got = ::recvmsg(socket->get(), &message, MSG_TRUNC);
    if (got < 0 && errno == EAGAIN && control.finished.load(std::memory_order_acquire) != 0) return books;
    if (got < 0) continue;
    const auto length = static_cast<std::uint32_t>(got);
    PacketDescriptor packet = {};
    packet.timestamp_ns = timestamp_of(message);
    packet.captured_length = length;
    packet.wire_length = length;
    using pcapfile::pcap::Precision;
    pcapfile::store(record.data(), pcapfile::pcap::make_record_head<Precision::microseconds>(packet));
    if (auto written = write_whole(*file, std::span(record).first(head_bytes + length)); !written) {
      return tl::unexpected(written.error());
    }
    ++books.packets;
    control.consumed.store(books.packets + 1, std::memory_order_release);  // the parent keeps its distance by it
  }
}

// ---- A ring --------------------------------------------------------------------------------------------------------

Result<WayBooks> dump_with_stdio(Source& source, const std::string& path) {
  const std::unique_ptr<pcap_t, decltype(&pcap_close)> pcap(pcap_open_dead(DLT_EN10MB, snaplen), &pcap_close);
  const std::unique_ptr<pcap_dumper_t, decltype(&pcap_dump_close)> dumper(pcap_dump_open(pcap.get(), path.c_str()),
                                                                          &pcap_dump_close);
  if (dumper == nullptr) return tl::unexpected(make_error("create " + path, pcap_geterr(pcap.get())));
  WayBooks books;
  auto done = for_each_batch(source, [&](const Batch& batch) -> Result<void> {
    for (const PacketView packet : batch) {
      pcap_pkthdr header = {};
      header.ts.tv_sec = static_cast<time_t>(packet.timestamp_ns() / 1'000'000'000);
      header.ts.tv_usec = static_cast<suseconds_t>(packet.timestamp_ns() % 1'000'000'000 / 1000);
      header.caplen = packet.captured_length();
      header.len = packet.wire_length();
      pcap_dump(reinterpret_cast<u_char*>(dumper.get()), &header, reinterpret_cast<const u_char*>(packet.data()));
      books.user_copied_bytes += sizeof(pcapfile::pcap::RecordHead) + packet.captured_length();
    }
    books.packets += batch.size();
    if (std::ferror(pcap_dump_file(dumper.get())) != 0) return tl::unexpected(system_error("write", errno));
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return books;
}

Result<WayBooks> copy_and_write(Source& source, const std::string& path) {
  auto file = create_file(path);
  if (!file) return tl::unexpected(file.error());
  pcapfile::pcapng::Bytes head;
  pcapfile::pcapng::append_section_header(head, {});
  pcapfile::pcapng::append_interface_description(head, source.interface(0), snaplen, "");
  if (auto written = write_whole(*file, head); !written) return tl::unexpected(written.error());

  const auto encoder = pcapfile::make_window_encoder(FileFormat::pcapng);
  constexpr std::array<std::uint32_t, 1> interfaces = {0};
  std::vector<std::byte> buffer(buffer_bytes);
  std::size_t used = 0;
  WayBooks books;
  const auto write_buffer = [&] { return write_whole(*file, std::span(buffer).first(std::exchange(used, 0))); };
  auto done = for_each_batch(source, [&](const Batch& batch) -> Result<void> {
    std::span<const PacketDescriptor> packets{batch.slot()->descriptors, batch.size()};
    books.packets += batch.size();
    while (!packets.empty()) {
      const auto encoded =
          encoder->encode(packets, batch.slot()->memory_base, interfaces, std::span(buffer).subspan(used));
      used += encoded.bytes;
      books.user_copied_bytes += encoded.bytes;
      packets = packets.subspan(encoded.packets);
      if (packets.empty()) break;
      if (auto written = write_buffer(); !written) return written;
    }
    return {};
  });
  if (done) done = write_buffer();
  if (!done) return tl::unexpected(done.error());
  return books;
}

// ---- The disk ------------------------------------------------------------------------------------------------------

Result<WayBooks> write_raw_blocks(Source& source, const std::string& path) {
  auto file = create_file(path, O_WRONLY | O_DIRECT);
  if (!file) return tl::unexpected(file.error());
  WayBooks books;
  std::uint64_t offset = 0;
  auto done = for_each_batch(source, [&](const Batch& batch) -> Result<void> {
    books.packets += batch.size();
    const detail::InPlace& block = batch.slot()->in_place;
    if (!block.is_last()) return {};
    const auto written = store::write_all_at(file->get(), {block.base, block.limit_offset}, offset);
    if (written.error_number != 0) return tl::unexpected(system_error("write", written.error_number));
    offset += written.bytes;
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return books;
}

}  // namespace ringtail::bench
