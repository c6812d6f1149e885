// The kernel ring as a source.
#pragma once

#include <linux/filter.h>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "base/wake_event.hpp"
#include "ring/backend.hpp"
#include "tpacket/link.hpp"
#include "tpacket/packet_socket.hpp"
#include "tpacket/ring_reader.hpp"

namespace ringtail::tpacket {

class TpacketBackend final : public detail::Backend, private InterfaceResolver {
 public:
  /// Opens `device` (an interface or "any"); nothing flows before arm(). `user_filter` is the caller's filter as the
  /// kernel runs it, empty for none; `filter_text` goes into the interface description. Holds one reference, as
  /// detail::BackendPointer wants. Packets carry interface ids from `first_interface_id` on; interfaces() counts from
  /// 0.
  [[nodiscard]] static Result<std::unique_ptr<TpacketBackend, detail::BackendDeleter>> open(
      const std::string& device, const OpenOptions& options, std::span<const sock_filter> user_filter,
      std::uint16_t first_interface_id = 0);

  /// Lets packets in. For a fanout group: after all its members are open.
  [[nodiscard]] Result<void> arm() { return socket_.arm(); }
  [[nodiscard]] std::uint16_t fanout_group() const noexcept { return socket_.fanout_group(); }

  ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) override;
  void stop() noexcept override;
  void interrupt() noexcept override;
  void shut_down() noexcept override;
  Stats stats() override;
  const ring::InterfaceTable& interfaces() const noexcept override { return interfaces_; }
  const Error* failure() const noexcept override;
  int pollable_descriptor() const noexcept override { return epoll_.get(); }
  std::string_view name() const noexcept override { return device_; }
  std::string_view kind() const noexcept override { return "tpacket"; }
  /// The packet socket itself, for those who are trusted with it. Nothing for a batch that is better copied, and while
  /// few batch slots are left.
  [[nodiscard]] std::optional<detail::LendableMemory> lendable_memory() const noexcept override;
  [[nodiscard]] detail::LoanAge age_of(const detail::BatchSlot& slot) const noexcept override {
    return reader_->age_of(slot);
  }
  void release(detail::BatchSlot& slot) noexcept override { reader_->release(slot); }
  detail::Credit credit() const noexcept override { return reader_->credit(); }

 private:
  enum class Phase : std::uint8_t {
    flowing,   ///< packets come in
    draining,  ///< the inflow has ended; what the kernel already has is still to come
    ended,     ///< nothing will come any more
  };

  TpacketBackend(std::string device, const OpenOptions& options, std::uint32_t block_count, PacketSocket socket,
                 LinkQuery links, base::FileDescriptor epoll, base::WakeEvent wake);

  std::uint16_t resolve(std::uint32_t interface_index, std::uint16_t hardware_type) override;
  [[nodiscard]] Look look(Batch& batch);
  void begin_drain() noexcept;
  [[nodiscard]] bool drained() const noexcept;
  [[nodiscard]] bool nap(std::chrono::nanoseconds timeout) noexcept;
  void wait(std::chrono::nanoseconds timeout, Look last_look) noexcept;
  void renew_edge() noexcept;
  void note_socket_error() noexcept;
  void end(Error failure) noexcept;
  [[nodiscard]] std::uint64_t interface_drops();

  std::string device_;
  OpenOptions options_;
  std::uint32_t interface_index_ = 0;  // 0: "any"
  std::uint16_t first_interface_id_ = 0;
  base::WakeEvent wake_;  // interrupt() and stop()
  PacketSocket socket_;
  base::FileDescriptor epoll_;
  ring::InterfaceTable interfaces_;
  std::unique_ptr<RingReader> reader_;
  BlockPace pace_;

  // The receiving thread's.
  Phase phase_ = Phase::flowing;
  bool link_is_down_ = false;
  bool edge_is_taken_ = false;  // by a wait of ours, and nothing was handed out since
  bool stopped_exactly_ = true;
  base::Deadline drain_deadline_ = base::Deadline::never();
  base::Deadline quiet_deadline_ = base::Deadline::never();

  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<bool> has_failed_{false};
  Error failure_;  // written once, before has_failed_ is set

  // PACKET_STATISTICS clears what it reads, so the sums have one owner: whoever holds this. Never taken per packet.
  std::mutex counts_mutex_;
  LinkQuery links_;
  std::uint64_t received_ = 0;
  std::uint64_t dropped_ring_ = 0;
  std::uint64_t freezes_ = 0;
  std::uint64_t interface_drops_before_ = 0;
  std::uint64_t interface_drops_ = 0;
  bool interface_drops_final_ = false;
};

}  // namespace ringtail::tpacket
