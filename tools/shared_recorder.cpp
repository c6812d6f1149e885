#include "shared_recorder.hpp"

#include <utility>

namespace ringtail::tools {

namespace {

/// More than the batches that the ring of a usual capture can lend out.
constexpr std::uint32_t parcels_per_lane = 1024;

}  // namespace

Result<std::unique_ptr<SharedRecorder>> SharedRecorder::create(CaptureCommons& commons, const RecorderOptions& options,
                                                               const std::vector<const Source*>& sources,
                                                               std::size_t lanes) {
  auto ways = Lanes::create(lanes, parcels_per_lane);
  if (!ways) return tl::unexpected(std::move(ways.error()));
  auto recorder = Recorder::create(options, sources);
  if (!recorder) return tl::unexpected(std::move(recorder.error()));
  return std::unique_ptr<SharedRecorder>(new SharedRecorder(commons, std::move(*recorder), std::move(*ways), lanes));
}

SharedRecorder::SharedRecorder(CaptureCommons& commons, Recorder recorder, std::unique_ptr<Lanes> lanes,
                               std::size_t lane_count)
    : commons_(commons), recorder_(std::move(recorder)), lanes_(std::move(lanes)), lane_count_(lane_count) {}

SharedRecorder::~SharedRecorder() {
  if (!thread_.joinable()) return;
  for (std::size_t lane = 0; lane < lane_count_; ++lane) close(lane);
  thread_.join();
}

void SharedRecorder::write(std::size_t lane, std::uint16_t source_id, Batch&& batch) {
  Parcel parcel{.batch = std::move(batch), .source_id = source_id};
  while (!lanes_->push(lane, std::move(parcel))) lanes_->wait_for_room(lane, 1, commons_.longest_wait);
}

void SharedRecorder::close(std::size_t lane) noexcept {
  lanes_->close(lane);
}

void SharedRecorder::start() {
  thread_ = std::thread([this] { run(); });
}

void SharedRecorder::join() {
  thread_.join();
}

void SharedRecorder::run() {
  const auto write = [this](Parcel&& parcel) { recorder_.write(parcel.source_id, std::move(parcel.batch)); };
  while (!lanes_->has_ended()) {
    const bool found = lanes_->take_some(write);
    recorder_.tick();
    if (recorder_.failure() != nullptr || recorder_.is_complete()) wants_more_.store(false, std::memory_order_relaxed);
    if (!found) lanes_->wait(commons_.longest_wait);  // not past the recorder's next tick
  }
  if (auto finished = recorder_.finish(); !finished) failure_ = std::move(finished.error());
  ended_.store(true, std::memory_order_release);  // pairs with has_ended(): failure_ is final
  commons_.bell.signal();
}

}  // namespace ringtail::tools
