#include "bench/way_runner.hpp"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <unistd.h>

#include "bench/frame_sender.hpp"
#include "bench/synthetic_backend.hpp"
#include "bench/system_calls.hpp"

namespace ringtail::bench {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds longest_run = 60s;
// How far the sender may be ahead of a reader of a packet socket; the socket has room for more of any size.
constexpr std::uint64_t most_frames_ahead = 2048;
constexpr std::uint64_t frames_per_step = 256;

/// The child: the way under test from its first instruction to its last.
int run_way(const Way& way, SyntheticRing& ring, std::uint32_t interface, const std::string& path) {
  RingControl& control = ring.control();
  Result<WayBooks> books = tl::unexpected(Error{});
  if (way.from_socket) {
    books = way.from_socket(interface, control, path);
  } else if (auto source = SyntheticBackend::open(ring)) {
    books = way.from_ring(*source, path);
  } else {
    books = tl::unexpected(std::move(source.error()));
  }
  if (books) {
    control.books = *books;
    return 0;
  }
  std::snprintf(control.failure, sizeof control.failure, "%s", books.error().reason.c_str());
  return 1;
}

}  // namespace

Result<WayRunner> WayRunner::create(WayRunnerSettings settings, const Traffic& traffic) {
  auto ring = SyntheticRing::create(settings.ring_mib);
  if (!ring) return tl::unexpected(std::move(ring.error()));
  return WayRunner(std::move(settings), traffic, std::move(*ring));
}

WayRunner::WayRunner(WayRunnerSettings settings, const Traffic& traffic, SyntheticRing ring)
    : settings_(std::move(settings)), traffic_(&traffic), image_(ring.geometry(), traffic), ring_kind_(ring.kind()) {}

Result<ChildProcess> WayRunner::start(const Way& way, SyntheticRing& ring) const {
  if (way.from_socket && settings_.link == nullptr) {
    return tl::unexpected(make_error("run " + way.name, "it needs a private link, and there is none"));
  }
  const std::uint32_t interface = settings_.link != nullptr ? settings_.link->receiver_index() : 0;
  return ChildProcess::run({.cpu = settings_.cpu, .output_path = ""},
                           [&way, &ring, interface, this] { return run_way(way, ring, interface, settings_.path); });
}

Result<WayRunner::Outcome> WayRunner::run(const Way& way, const Work& work, bool thorough) {
  auto ring = SyntheticRing::create(settings_.ring_mib);  // a new one, its blocks all the kernel's
  if (!ring) return tl::unexpected(std::move(ring.error()));
  auto child = start(way, *ring);
  if (!child) return tl::unexpected(std::move(child.error()));
  const auto counter =
      thorough ? SystemCallCounter::attach(child->pid()) : Result<SystemCallCounter>(tl::unexpected(Error{}));

  Outcome outcome;
  RunAccount& account = outcome.account;
  const MachineUsage before = MachineUsage::now();
  const double own_before = own_cpu_ns();
  child->release();
  auto fed = way.from_socket ? feed_socket(*ring, *child, work.socket_frames, account)
                             : feed_ring(*ring, *child, work.blocks, account);
  const double feeding_cpu_ns = own_cpu_ns() - own_before;
  const auto ended = child->wait(base::Deadline::after(longest_run));
  const RingControl& control = ring->control();
  if (!fed || !ended) return tl::unexpected(fed ? ended.error() : fed.error());
  if (ended->exit_status != 0) {
    return tl::unexpected(make_error("run " + way.name, control.failure[0] != 0 ? control.failure : "it died"));
  }
  const auto state = inspect_file(settings_.path);
  auto synced = sync_file(settings_.path);
  const MachineUsage after = MachineUsage::now();
  if (!state || !synced) return tl::unexpected(state ? synced.error() : state.error());

  account.captured_packets = control.books.packets;
  account.user_copied_bytes = control.books.user_copied_bytes;
  account.usage = ended->usage;
  account.seconds = after.seconds_since(before);
  account.machine_cpu_ns =
      after.busy_ns_since(before) - feeding_cpu_ns - settings_.background_busy * account.seconds * 1e9;
  account.file = *state;
  if (counter) account.system_calls = counter->count();
  outcome.detail = control.books.detail;
  if (thorough && way.is_capture_file) {
    const auto contents = read_capture_file(settings_.path);
    if (!contents) return tl::unexpected(contents.error());
    account.captured_packets = contents->packets;
    account.captured_bytes = contents->captured_bytes;
  }
  ::unlink(settings_.path.c_str());
  return outcome;
}

Result<void> WayRunner::feed_ring(SyntheticRing& ring, ChildProcess& child, std::uint64_t blocks,
                                  RunAccount& account) const {
  for (std::uint64_t sequence = 0; sequence < blocks; ++sequence) {
    account.offered_packets += image_.block(sequence).packets;
    account.captured_bytes += image_.block(sequence).captured_bytes;
  }
  ring.feed(image_, blocks, child);
  return {};
}

Result<void> WayRunner::feed_socket(SyntheticRing& ring, ChildProcess& child, std::uint64_t frames,
                                    RunAccount& account) const {
  auto sender = FrameSender::open(settings_.link->sender(), *traffic_);
  if (!sender) return tl::unexpected(std::move(sender.error()));
  const auto deadline = base::Deadline::after(longest_run);
  const auto consumed = [&ring] { return ring.control().consumed.load(std::memory_order_acquire); };
  const auto wait_until = [&](auto condition) {
    while (!condition() && !child.has_ended() && !deadline.has_passed()) std::this_thread::sleep_for(50us);
  };
  const std::uint64_t before = settings_.link->received_frames();
  wait_until([&] { return consumed() != 0; });  // it listens
  for (std::uint64_t sent = 0; sent < frames && !child.has_ended() && !deadline.has_passed();) {
    wait_until([&] { return sent < consumed() + most_frames_ahead; });
    const auto some = sender->send(std::min(frames - sent, frames_per_step), 0, deadline);
    if (!some) return tl::unexpected(some.error());
    sent += some->frames;
  }
  account.offered_packets = settings_.link->received_frames() - before;
  account.captured_bytes =
      static_cast<std::uint64_t>(static_cast<double>(account.offered_packets) * traffic_->mean_frame_bytes());
  ring.control().finished.store(1, std::memory_order_release);  // pairs with the child's load
  return {};
}

}  // namespace ringtail::bench
