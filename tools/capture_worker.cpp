#include "capture_worker.hpp"

#include <utility>

#include "base/affinity.hpp"

namespace ringtail::tools {

Result<std::unique_ptr<CaptureWorker>> CaptureWorker::create(CaptureCommons& commons, std::vector<Source> sources,
                                                             const std::optional<RecorderOptions>& recording) {
  std::unique_ptr<CaptureWorker> worker(new CaptureWorker(commons, std::move(sources)));
  auto group = SourceGroup::create(worker->sources_);
  if (!group) return tl::unexpected(std::move(group.error()));
  worker->group_.emplace(std::move(*group));
  if (!recording) return worker;
  if (auto opened = worker->open_output(*recording); !opened) return tl::unexpected(std::move(opened.error()));
  return worker;
}

CaptureWorker::CaptureWorker(CaptureCommons& commons, std::vector<Source> sources)
    : commons_(commons), sources_(std::move(sources)) {}

CaptureWorker::~CaptureWorker() {
  if (!thread_.joinable()) return;
  abandon();
  thread_.join();
}

Result<void> CaptureWorker::open_output(const RecorderOptions& recording) {
  std::vector<const Source*> recorded;
  for (const Source& source : sources_) recorded.push_back(&source);
  auto recorder = Recorder::create(recording, recorded);
  if (!recorder) return tl::unexpected(std::move(recorder.error()));
  recorder_.emplace(std::move(*recorder));
  return {};
}

void CaptureWorker::write_to(SharedRecorder& recorder, std::size_t lane, std::uint16_t first_id) {
  shared_output_ = {&recorder, lane, first_id};
}

void CaptureWorker::start(std::optional<int> cpu) {
  thread_ = std::thread([this, cpu] { run(cpu); });
}

void CaptureWorker::join() {
  thread_.join();
}

void CaptureWorker::stop() noexcept {
  for (Source& source : sources_) source.stop();
}

void CaptureWorker::abandon() noexcept {
  // Relaxed: it carries no data, and the loop looks at it at least every longest_wait.
  abandoned_.store(true, std::memory_order_relaxed);
  for (Source& source : sources_) source.interrupt();
}

bool CaptureWorker::has_ended() const noexcept {
  return ended_.load(std::memory_order_acquire);  // pairs with the release in run(): end_ and failure_ are final
}

RecorderStats CaptureWorker::written() const {
  return recorder_ ? recorder_->stats() : RecorderStats{};
}

void CaptureWorker::run(std::optional<int> cpu) {
  Result<void> placed;
  if (cpu) placed = base::pin_this_thread(*cpu);
  if (placed) {
    loop();
  } else {
    fail(placed.error());
  }
  finish();
  ended_.store(true, std::memory_order_release);
  commons_.bell.signal();
}

void CaptureWorker::loop() {
  while (!group_->has_ended()) {
    if (abandoned_.load(std::memory_order_relaxed)) {
      end_ = WorkerEnd::limit;
      return;
    }
    auto [status, source, batch] = group_->receive(commons_.longest_wait);
    if (status == ReceiveStatus::packets) take(source, std::move(batch));
    if (status == ReceiveStatus::end_of_stream) note_end_of(sources_[source]);
    if (output_has_ended()) return;
    if (!commons_.budget.is_exhausted()) continue;
    end_ = WorkerEnd::limit;
    return;
  }
}

void CaptureWorker::take(std::size_t source, Batch&& batch) {
  batch.keep_first(commons_.budget.take(batch.size()));
  const auto id = static_cast<std::uint16_t>(source);  // the recorder counts sources as we do
  if (recorder_) {
    recorder_->write(id, std::move(batch));
  } else if (shared_output_) {
    const auto shared_id = static_cast<std::uint16_t>(shared_output_->first_id + id);
    shared_output_->recorder->write(shared_output_->lane, shared_id, std::move(batch));
  } else {
    batch.reset();
  }
}

/// A source that broke off ends the capture, but what the others already have is still taken.
void CaptureWorker::note_end_of(const Source& source) {
  if (source.failure() == nullptr) return;
  fail(*source.failure());
  stop();
}

bool CaptureWorker::output_has_ended() {
  if (shared_output_ && !shared_output_->recorder->wants_more()) {
    end_ = WorkerEnd::limit;  // or a failure, which the recorder reports
    return true;
  }
  if (!recorder_) return false;
  recorder_->tick();
  if (recorder_->failure() != nullptr) {
    fail(*recorder_->failure());
    return true;
  }
  if (!recorder_->is_complete()) return false;
  end_ = WorkerEnd::limit;
  return true;
}

void CaptureWorker::finish() {
  stop();  // the inflow ends before the last figures are read, by the recorder and by the summary: they must agree
  if (shared_output_) shared_output_->recorder->close(shared_output_->lane);
  if (!recorder_) return;
  if (auto finished = recorder_->finish(); !finished) fail(finished.error());
}

void CaptureWorker::fail(const Error& error) {
  end_ = WorkerEnd::failed;
  if (!failure_) failure_ = error;
}

}  // namespace ringtail::tools
