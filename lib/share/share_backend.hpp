// The client: packets that another process captured, as a source.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "base/mapping.hpp"
#include "base/wake_event.hpp"
#include "ring/backend.hpp"
#include "ring/batch_pool.hpp"
#include "ring/block_ledger.hpp"
#include "share/layout.hpp"
#include "share/message.hpp"
#include "share/return_ring.hpp"

namespace ringtail::share {

/// Packet bytes are read where the publisher put them. Their descriptors are checked, and copied while they are, into
/// memory of our own: so a publisher that has gone mad can show us wrong packets, but never makes us read outside of
/// what it shares.
///
/// A slot of the publisher becomes one or more batches and is given back with the last of them.
class ShareBackend final : public detail::Backend {
 public:
  /// Attaches to a publisher, as a client that may be skipped and evicted; `text` is what follows "ringtail:"
  /// (share/wish.hpp). Of the options filter, batch_packets and snaplen are obeyed; a direction, a fanout group or a
  /// link type cannot be asked for. The filter sees packets as they were on the wire, VLAN tags in the bytes.
  /// `first_interface_id` is what the interface ids of packets begin with. A publisher that is there has until
  /// `deadline` to answer; EPERM is the number of a refusal that will not change.
  [[nodiscard]] static Result<detail::BackendPointer> open(
      std::string_view device, std::string_view text, const OpenOptions& options, std::uint16_t first_interface_id = 0,
      const base::Deadline& deadline = base::Deadline::after(usual_patience));

  ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) override;
  void stop() noexcept override;
  void interrupt() noexcept override;
  void shut_down() noexcept override;
  Stats stats() override;
  std::vector<Counter> counters() const override;
  const ring::InterfaceTable& interfaces() const noexcept override { return interfaces_; }
  const Error* failure() const noexcept override { return failure_ ? &*failure_ : nullptr; }
  int pollable_descriptor() const noexcept override { return busy_poll_ ? -1 : epoll_.get(); }
  std::string_view name() const noexcept override { return device_; }
  std::string_view kind() const noexcept override { return "share"; }
  void release(detail::BatchSlot& slot) noexcept override;

 private:
  struct Memory {
    base::Mapping packets;
    base::Mapping lent;
    base::Mapping returned;
  };
  struct Descriptors {
    base::FileDescriptor socket;
    base::WakeEvent wake;
    base::FileDescriptor epoll;  // the two above
  };
  /// Memory that packets arrived in, handed over by the publisher. It is mapped as long as there are packets to come
  /// from it, or slots of ours in it: a publisher keeps it until they are back, but we do not depend on that.
  struct LentMemory {
    std::uint32_t name = 0;  ///< name_memory(); 0: none
    std::shared_ptr<const base::Mapping> mapping{};
  };
  /// The slot whose packets are being handed out: all of them, or those that selection_ names.
  struct Walk {
    std::span<const std::byte> memory;  ///< what they lie in: all that is shared, or slot_memories_ keeps it mapped
    std::uint32_t slot = 0;
    std::uint32_t next = 0;
    std::uint32_t end = 0;
    bool is_selective = false;
  };

  ShareBackend(std::string device, const OpenOptions& options, std::uint16_t first_interface_id,
               const Geometry& geometry, Memory memory, Descriptors descriptors, bool takes_rings);
  [[nodiscard]] Result<void> make_batch_pool();

  [[nodiscard]] std::optional<ReceiveStatus> look(Batch& batch);
  [[nodiscard]] bool lend_next(Batch& batch);
  [[nodiscard]] bool begin_walk();
  [[nodiscard]] const LentMemory* memory_called(std::uint32_t name);
  void read_all_news();
  void end_reading() noexcept;
  [[nodiscard]] std::uint32_t copy_descriptors(PacketDescriptor* descriptors) noexcept;
  [[nodiscard]] std::uint64_t copy_checked(detail::BatchSlot& slot);
  void end_walk() noexcept;
  void give_back(std::uint32_t slot) noexcept;
  void look_for_an_end();
  void fail(std::string reason, std::string remedy);
  void blame_publisher();
  [[nodiscard]] bool is_without_credit() const noexcept;
  [[nodiscard]] bool take_interrupt() noexcept;
  [[nodiscard]] bool fall_asleep() noexcept;
  void hear_news_now_and_then();
  void wait(std::chrono::nanoseconds timeout) noexcept;
  void ring_own_bell() noexcept;
  [[nodiscard]] LoanState state() const noexcept;
  void learn_interfaces();

  const std::string device_;
  const std::uint32_t snaplen_;
  const std::uint32_t batch_packets_;
  const std::uint16_t first_interface_id_;
  const Geometry geometry_;
  const bool takes_rings_;
  const bool busy_poll_;
  Memory memory_;
  base::FileDescriptor socket_;
  base::WakeEvent wake_;
  base::FileDescriptor epoll_;
  const PacketsHeader* packets_header_;
  const LentHeader* lent_header_;
  const Announcement* announcements_;
  const std::uint64_t* selections_;
  ReturnedHeader* answers_;
  ReturnWriter returns_;
  ring::BlockLedger ledger_;
  // By slot, for those we hold; empty for packets that lie in the slot. Whoever the ledger says has it to itself
  // writes: the receiving thread when it begins a walk, and whoever gives the slot back.
  std::vector<std::shared_ptr<const base::Mapping>> slot_memories_;
  std::optional<ring::BatchPool> pool_;
  ring::InterfaceTable interfaces_;

  // The receiving thread's.
  std::uint64_t next_announcement_ = 0;
  std::optional<Walk> walk_;
  std::vector<std::uint64_t> selection_;  // of the walk: copied once, since the publisher may write on
  std::uint32_t sleep_ = 0;               // what `waiting` was last set to
  std::uint32_t looks_since_news_ = 0;    // of one who never falls asleep
  bool asleep_ = false;                   // it was, and whoever publishes next rings for it
  bool rung_ = false;                     // since we last fell asleep
  bool publisher_gone_ = false;
  std::array<LentMemory, memory_places> memories_{};  // by place
  std::uint32_t memories_received_ = 0;
  bool ended_ = false;
  std::optional<Error> failure_;
  base::Deadline stop_deadline_ = base::Deadline::never();

  std::atomic<bool> interrupted_{false};
  std::atomic<bool> stop_requested_{false};
  std::atomic<std::uint32_t> held_slots_{0};
  std::atomic<std::uint64_t> malformed_{0};
  Stats before_;  // what the publisher had lost before we came
};

}  // namespace ringtail::share
