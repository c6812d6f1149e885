// Where packets come from. One face for the kernel ring, DPDK, files and the daemon.
//
//   auto source = ringtail::open("eth0", {.filter = "tcp port 443", .snaplen = 256});
//   if (!source) return complain(source.error().message());
//   for (;;) {
//     auto [status, batch] = source->receive(100ms);
//     if (status == ringtail::ReceiveStatus::end_of_stream) break;
//     for (const ringtail::PacketView packet : batch) inspect(packet.bytes(), packet.timestamp_ns());
//   }                                                    // batch gone: its memory goes back
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <ringtail/batch.hpp>
#include <ringtail/error.hpp>
#include <ringtail/interface.hpp>
#include <ringtail/options.hpp>
#include <ringtail/stats.hpp>

namespace ringtail {

namespace detail {
class Backend;  // lib/ring/backend.hpp
struct BackendDeleter {
  void operator()(Backend* backend) const noexcept;  // drops the source's reference; lent batches keep theirs
};
using BackendPointer = std::unique_ptr<Backend, BackendDeleter>;
}  // namespace detail

enum class ReceiveStatus : std::uint8_t {
  packets,        ///< `batch` holds at least one packet
  timeout,        ///< nothing arrived in time
  no_credit,      ///< nothing can be lent until the caller gives something back; waited for the whole timeout
  interrupted,    ///< interrupt() was called
  end_of_stream,  ///< no packet will ever come again: stopped and drained, end of file, or failure() says why
};

struct Received {
  ReceiveStatus status = ReceiveStatus::timeout;
  Batch batch;
};

/// An open source of packets. Move-only; destroying it stops the capture at once (call stop() and drain first to lose
/// nothing).
///
/// Threads: receive() belongs to one thread at a time. stop(), interrupt(), stats() and interface() may be called from
/// any thread meanwhile; interrupt() from a signal handler too.
///
/// Processes: a source belongs to the one that opened it. In a child made by fork(2) it has ended, with a failure();
/// the child may destroy it and its batches, which the parent does not notice, but not read their packets: what another
/// process lends is not handed on to children.
class Source {
 public:
  explicit Source(detail::BackendPointer backend) noexcept;
  Source(Source&&) noexcept;
  Source& operator=(Source&&) noexcept;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source();

  /// Waits at most `timeout` (0: only looks, no system call when a block is ready; negative: as long as it takes) and
  /// lends the next packets. Never returns an empty batch with ReceiveStatus::packets.
  [[nodiscard]] Received receive(std::chrono::nanoseconds timeout);

  /// Ends the inflow without losing what has already been accepted: receive() hands out the rest and then says
  /// end_of_stream. Returns at once; may be called more than once.
  void stop() noexcept;

  /// Makes the current receive(), or the next one, return ReceiveStatus::interrupted. Async-signal-safe.
  void interrupt() noexcept;

  [[nodiscard]] Stats stats() const;
  /// What this kind of source counts beyond Stats: for DPDK drops by cause and mbufs in use. May be empty.
  [[nodiscard]] std::vector<Counter> counters() const;

  /// Interfaces seen so far; ids 0 to interface_count() - 1 stay valid and unchanged as long as the source lives.
  [[nodiscard]] std::uint16_t interface_count() const noexcept;
  [[nodiscard]] const Interface& interface(std::uint16_t interface_id) const noexcept;

  /// After end_of_stream: why the stream broke off; null when it simply ended.
  [[nodiscard]] const Error* failure() const noexcept;

  /// Readable when receive() may have something; for poll/epoll/select (level triggered, may be spurious). -1 where
  /// the back end has none (file:). Owned by the source.
  [[nodiscard]] int pollable_descriptor() const noexcept;

  [[nodiscard]] std::string_view name() const noexcept;     ///< the device string it was opened with
  [[nodiscard]] std::string_view backend() const noexcept;  ///< "tpacket", "dpdk", "file", "share"

 private:
  detail::BackendPointer backend_;
};

/// Opens a source. `device`: "eth0", "any", "dpdk:<pci address or vdev args>", "dpdk:pdump:<file prefix>/<port>" (tap a
/// DPDK application), "file:<path>", "ringtail:<name>".
[[nodiscard]] Result<Source> open(std::string_view device, const OpenOptions& options = {});

/// Opens `members` sources (1 to 256) on one device among which the kernel spreads the packets, options.fanout saying
/// how (hash when it is not set). All members have joined before the first packet is accepted, so none is seen twice or
/// missed. Each member has a ring of options.buffer_bytes / members. Serve all of them: what the kernel gives to a
/// member that nobody reads is lost.
///
/// For a "dpdk:" port the members are its receive queues. The device fills them by a hash that is the same for both
/// directions of a flow, so the mode is hash or not set; all of them share options.buffer_bytes. A tap has one ring,
/// and so one member.
[[nodiscard]] Result<std::vector<Source>> open_fanout(std::string_view device, const OpenOptions& options,
                                                      std::uint16_t members);

/// An interface of this machine that open() could be given.
struct DeviceDescription {
  Interface interface;
  bool up = false;
  bool running = false;
  bool loopback = false;
};

/// Interfaces of the current network namespace in the kernel's order.
[[nodiscard]] Result<std::vector<DeviceDescription>> list_devices();

}  // namespace ringtail
