#include "shared_recorder.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <utility>

namespace ringtail::tools {

namespace {

/// More than the batches that the ring of a usual capture can lend out.
constexpr std::uint32_t parcels_per_lane = 1024;
/// So many are written from one lane before the next one has its turn.
constexpr int parcels_per_turn = 32;
/// How long a worker sleeps when its lane is full. Its ring goes on filling meanwhile.
constexpr std::chrono::milliseconds pause_when_full{1};

}  // namespace

Result<std::unique_ptr<SharedRecorder>> SharedRecorder::create(CaptureCommons& commons, const RecorderOptions& options,
                                                               const std::vector<const Source*>& sources,
                                                               std::size_t lanes) {
  base::WakeEvent wake = base::WakeEvent::create();
  if (!wake.is_open()) return tl::unexpected(system_error("set up the writer", errno));
  auto recorder = Recorder::create(options, sources);
  if (!recorder) return tl::unexpected(std::move(recorder.error()));
  return std::unique_ptr<SharedRecorder>(new SharedRecorder(commons, std::move(*recorder), std::move(wake), lanes));
}

SharedRecorder::SharedRecorder(CaptureCommons& commons, Recorder recorder, base::WakeEvent wake, std::size_t lanes)
    : commons_(commons), recorder_(std::move(recorder)), wake_(std::move(wake)), open_lanes_(lanes) {
  for (std::size_t lane = 0; lane < lanes; ++lane) lanes_.push_back(std::make_unique<Lane>(parcels_per_lane));
}

SharedRecorder::~SharedRecorder() {
  if (!thread_.joinable()) return;
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) close(lane);
  thread_.join();
}

// ---- The workers' side ---------------------------------------------------------------------------------------------

void SharedRecorder::write(std::size_t lane, std::uint16_t source_id, Batch&& batch) {
  Parcel parcel{.batch = std::move(batch), .source_id = source_id};
  while (!lanes_[lane]->queue.push(std::move(parcel))) std::this_thread::sleep_for(pause_when_full);
  wake();
}

void SharedRecorder::close(std::size_t lane) noexcept {
  lanes_[lane]->closed.store(true, std::memory_order_release);  // pairs with take_some(): nothing comes after it
  wake();
}

// Either this exchange comes before the one in sleep(), which then acquires what was pushed here and does not sleep; or
// it comes after and sees that the writer sleeps, or is about to.
void SharedRecorder::wake() noexcept {
  if (asleep_.exchange(false, std::memory_order_acq_rel)) wake_.signal();
}

// ---- The writer's side ---------------------------------------------------------------------------------------------

void SharedRecorder::start() {
  thread_ = std::thread([this] { run(); });
}

void SharedRecorder::join() {
  thread_.join();
}

void SharedRecorder::run() {
  while (open_lanes_ > 0) {
    bool found = false;
    for (const auto& lane : lanes_) found = take_some(*lane) || found;
    recorder_.tick();
    if (recorder_.failure() != nullptr || recorder_.is_complete()) wants_more_.store(false, std::memory_order_relaxed);
    if (!found) sleep();
  }
  if (auto finished = recorder_.finish(); !finished) failure_ = std::move(finished.error());
  ended_.store(true, std::memory_order_release);  // pairs with has_ended(): failure_ is final
  commons_.bell.signal();
}

/// False when there was nothing to do.
bool SharedRecorder::take_some(Lane& lane) {
  if (lane.drained) return false;
  const bool closed = lane.closed.load(std::memory_order_acquire);  // pairs with close(): asked before the queue is
  for (int turn = 0; turn < parcels_per_turn; ++turn) {
    Parcel parcel;
    if (lane.queue.pop(parcel)) {
      recorder_.write(parcel.source_id, std::move(parcel.batch));
      continue;
    }
    if (!closed) return turn > 0;
    lane.drained = true;
    --open_lanes_;
    return true;
  }
  return true;
}

bool SharedRecorder::has_work() const noexcept {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
    return !lane->drained && (lane->queue.has_item() || lane->closed.load(std::memory_order_acquire));
  });
}

// Until somebody has something, but not past the recorder's next tick.
void SharedRecorder::sleep() {
  (void)asleep_.exchange(true, std::memory_order_acq_rel);  // pairs with wake()
  if (!has_work()) {
    pollfd bell{.fd = wake_.descriptor(), .events = POLLIN, .revents = 0};
    const timespec timeout{.tv_sec = commons_.longest_wait / std::chrono::seconds(1),
                           .tv_nsec = (commons_.longest_wait % std::chrono::seconds(1)).count()};
    (void)ppoll(&bell, 1, &timeout, nullptr);
  }
  (void)asleep_.exchange(false, std::memory_order_acq_rel);  // pairs with wake(), too
  wake_.drain();
}

}  // namespace ringtail::tools
