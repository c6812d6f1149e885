// Lends a capture's packets to the analyzers that attach to "ringtail:<name>".
//
//   supervisor ──welcome()──> guests ──serve()──┐
//   workers ──LendingDesk::lend()──> Publisher <┘ lender's thread
//   supervisor <──status()───────────┘
//
// The publisher is one for all workers, behind a mutex. Nobody holds it for longer than it takes to lend a batch or to
// greet a client, nobody waits for a client while holding it, and while no client is attached workers do not touch it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <ringtail/source.hpp>

#include "base/file_descriptor.hpp"
#include "base/wake_event.hpp"
#include "control/peer.hpp"
#include "control/status.hpp"
#include "refusal_log.hpp"
#include "settings.hpp"
#include "share/publisher.hpp"

namespace ringtail::daemon {

/// Threads: as said at each function.
class Lender {
 public:
  /// For the packets of `workers` workers.
  [[nodiscard]] static Result<std::unique_ptr<Lender>> open(const std::string& capture, const ShareSettings& settings,
                                                            std::size_t workers);
  ~Lender();
  Lender(const Lender&) = delete;
  Lender& operator=(const Lender&) = delete;

  /// Begins to look after clients, on a thread of its own. Threads: one, once.
  void start();
  /// After the last packet: clients read what they were lent and then see the end. Threads: the manager, once.
  void end();

  /// Somebody wants packets. Threads: the supervisor.
  void welcome(base::FileDescriptor socket, const control::Peer& peer);
  /// Takes over who may attach; those who are attached stay. Threads: any.
  void admit_others(const ShareSettings& settings);
  /// Threads: any.
  [[nodiscard]] control::ShareStatus status() const;

  /// Threads: the workers.
  [[nodiscard]] bool has_clients() const noexcept { return has_clients_.load(std::memory_order_relaxed); }
  /// `interface_ids`: what the source's interfaces are called by the publisher; filled in as they appear.
  void lend(const Source& source, const Batch& batch, std::vector<std::uint16_t>& interface_ids);
  void report_losses(std::size_t worker, const Stats& stats);
  /// A source is going away; see Publisher::recall().
  void recall();

 private:
  Lender(std::string capture, share::Publisher publisher, const ShareSettings& settings, std::size_t workers);
  void run();
  [[nodiscard]] bool look_after_clients();
  void note_clients() noexcept;
  [[nodiscard]] bool may_attach(const control::Peer& peer) const;
  [[nodiscard]] bool is_trusted(const control::Peer& peer) const;

  const std::string capture_;
  const base::WakeEvent bell_;
  std::atomic<bool> has_clients_{false};
  std::atomic<bool> ending_{false};
  RefusalLog refusals_;  // the supervisor's

  mutable std::mutex mutex_;  // of what follows
  std::optional<share::Publisher> publisher_;
  ShareSettings settings_;
  std::vector<Stats> losses_;  ///< by worker
  control::ShareStatus last_;  ///< how it stood at the end

  std::thread thread_;
};

/// A worker's way to the lender: it remembers what the interfaces of the worker's sources are called there.
class LendingDesk {
 public:
  /// `lender` outlives the desk.
  LendingDesk(Lender& lender, std::size_t worker, std::size_t slots)
      : lender_(&lender), worker_(worker), interface_ids_(slots) {}

  [[nodiscard]] bool has_clients() const noexcept { return lender_->has_clients(); }
  /// The batch's packets are copied, or shared where they lie; it stays as it is.
  void lend(std::size_t slot, const Source& source, const Batch& batch) {
    if (lender_->has_clients()) lender_->lend(source, batch, interface_ids_[slot]);
  }
  /// There is, or will be, another source in that slot.
  void forget(std::size_t slot) {
    interface_ids_[slot].clear();
    lender_->recall();
  }
  /// What the worker's sources have lost since the start.
  void report_losses(const Stats& stats) { lender_->report_losses(worker_, stats); }

 private:
  Lender* lender_;
  std::size_t worker_;
  std::vector<std::vector<std::uint16_t>> interface_ids_;  ///< by slot, then by the source's interface
};

}  // namespace ringtail::daemon
