// A source that outlives what it reads from: an interface that goes away and comes back, a publisher that is started
// anew. It waits until there is one of the same name, and opens it afresh (FAULTS: a packet socket is never rebound).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <ringtail/error.hpp>

#include "base/deadline.hpp"
#include "base/file_descriptor.hpp"
#include "base/wake_event.hpp"
#include "ring/backend.hpp"

namespace ringtail {

/// What there is to be opened, again and again.
struct Reopenable {
  std::string device;
  std::string_view kind;  ///< a literal
  /// True where the end of a stream is no end: a publisher that is stopped in good order may be started again.
  bool outlives_its_end = false;
  /// `first_interface_id` is what the new source's interface ids begin with. `again`: packets are waited for meanwhile,
  /// so it takes a second at most.
  std::function<Result<detail::BackendPointer>(std::uint16_t first_interface_id, bool again)> open;
};

/// Batches come from the inner back ends themselves; one that has lost its interface lives on until its last batch is
/// back. Each new one brings new interface entries, so a file gets a new Interface Description Block; when the table is
/// full, the last entries stand for all that come later. What may not be opened any more ends the stream.
class ReopeningBackend final : public detail::Backend {
 public:
  [[nodiscard]] static Result<detail::BackendPointer> open(Reopenable reopenable);

  ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) override;
  void stop() noexcept override;
  void interrupt() noexcept override;
  void shut_down() noexcept override;
  Stats stats() override;
  const ring::InterfaceTable& interfaces() const noexcept override { return interfaces_; }
  const Error* failure() const noexcept override { return failure_ ? &*failure_ : nullptr; }
  int pollable_descriptor() const noexcept override { return epoll_.get(); }
  std::string_view name() const noexcept override { return reopenable_.device; }
  std::string_view kind() const noexcept override { return reopenable_.kind; }
  void release(detail::BatchSlot&) noexcept override {}  // its batches belong to the inner back ends

 private:
  ReopeningBackend(Reopenable reopenable, base::FileDescriptor epoll, base::WakeEvent wake, base::FileDescriptor timer);

  [[nodiscard]] ReceiveStatus look(Batch& batch);
  [[nodiscard]] std::chrono::nanoseconds look_interval(ReceiveStatus status) const noexcept;
  [[nodiscard]] bool watch(int descriptor) noexcept;
  void adopt(detail::BackendPointer inner) noexcept;
  void retire_inner() noexcept;
  void learn_interfaces();
  void try_to_open();
  void wait(std::chrono::nanoseconds timeout) noexcept;

  const Reopenable reopenable_;
  base::FileDescriptor epoll_;  // the inner back end's descriptor, wake_ and timer_
  base::WakeEvent wake_;
  base::FileDescriptor timer_;  // ticks while there is no interface
  ring::InterfaceTable interfaces_;
  std::uint16_t first_interface_id_ = 0;  // of the inner back end
  base::Deadline next_try_ = base::Deadline::after({});
  std::optional<Error> failure_;

  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> interrupted_{false};
  std::mutex mutex_;  // inner_ and past_, against stats() and stop() from other threads
  detail::BackendPointer inner_;
  Stats past_;  // sum over the back ends that are gone
};

}  // namespace ringtail
