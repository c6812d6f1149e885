// What a flight recorder holds becomes a file.
//
//   open the file ──> each worker hands over what it holds ──> Recorder: blocks become the file where they stand
//
// The file comes first, so that one that cannot be had costs no history. All this happens on the manager's thread: the
// workers go on, with the part of their rings that the dump does not hold, which grows as the dump is written.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <utility>

#include "capture.hpp"
#include "log.hpp"

namespace ringtail::daemon {

namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

/// A pipe could keep the manager waiting for ever, and the ring with it.
Result<void> check_file(int descriptor) {
  struct stat status {};
  const std::string operation = "write a dump into the file that was passed";
  if (::fstat(descriptor, &status) != 0) return tl::unexpected(system_error(operation, errno));
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH) != 0) {
    return tl::unexpected(make_error(operation, "it is not open for writing"));
  }
  if (!S_ISREG(status.st_mode)) return tl::unexpected(make_error(operation, "it is no regular file"));
  return {};
}

DumpWish wish_of(const std::optional<double>& last_seconds) {
  const auto now = duration_cast<nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  DumpWish wish;
  wish.asked_at = std::chrono::steady_clock::now();
  wish.until_ns = static_cast<std::uint64_t>(now);
  if (last_seconds) {
    const auto last = duration_cast<nanoseconds>(std::chrono::duration<double>(*last_seconds)).count();
    wish.since_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(now - last, 0));
  }
  return wish;
}

}  // namespace

void Capture::dump(const DumpRequest& request, Reply reply) {
  post([this, request, reply = std::move(reply)] {
    auto report = finished_ ? tl::unexpected(make_error("dump " + name_, "the capture has ended")) : carry_out(request);
    if (!report) log(LogLevel::error, name_, report.error().message());
    reply(report ? control::Answer{.dump = std::move(*report)} : control::Answer{.error = report.error().message()});
  });
}

Result<control::DumpReport> Capture::carry_out(const DumpRequest& request) {
  if (!flight_) {
    return tl::unexpected(make_error("dump " + name_, "it has no flight recorder", "give it one: [capture.flight]"));
  }
  auto file = open_dump(request);
  const Result<void> written =
      file ? write_dump(*file, wish_of(request.last_seconds)) : tl::unexpected(std::move(file.error()));
  {
    const std::lock_guard lock(mutex_);
    ++(written ? dumps_ : dumps_failed_);
  }
  if (!written) return tl::unexpected(written.error());
  const RecorderStats stats = file->recorder.stats();
  control::DumpReport report{.packets = stats.written_packets, .bytes = stats.written_bytes};
  if (request.file == nullptr) report.path = settings_.storage.directory + "/" + storage_->figures().newest;
  log(LogLevel::info, name_,
      fmt::format("dumped {} packets{}: {}", report.packets,
                  request.last_seconds ? fmt::format(" of the last {:g} s", *request.last_seconds) : "", request.why));
  return report;
}

Result<Capture::DumpFile> Capture::open_dump(const DumpRequest& request) const {
  RecorderOptions options = output_options(settings_, storage_, "flight recorder: " + request.why);
  if (request.file != nullptr) {
    if (auto good = check_file(request.file->get()); !good) return tl::unexpected(std::move(good.error()));
    options.storage.reset();
    options.path = fmt::format("/dev/fd/{}", request.file->get());
  } else if (storage_ == nullptr) {
    return tl::unexpected(make_error("dump " + name_, "it has no [capture.storage]", "name a file: -w FILE"));
  }
  std::vector<std::shared_ptr<Source>> sources;
  std::vector<const Source*> pointers;
  for (const Slot& slot : slots_) {
    for (const auto& ring : slot.rings) {
      sources.push_back(ring);
      pointers.push_back(ring.get());
    }
  }
  auto recorder = Recorder::create(std::move(options), pointers);
  if (!recorder) return tl::unexpected(std::move(recorder.error()));
  return DumpFile{std::move(sources), std::move(*recorder)};
}

/// A source whose interface has gone meanwhile is not among those the file was opened for.
Result<std::uint16_t> Capture::DumpFile::id_of(const std::shared_ptr<Source>& source) {
  const auto found = std::find(sources.begin(), sources.end(), source);
  if (found != sources.end()) return static_cast<std::uint16_t>(found - sources.begin());
  auto id = recorder.add_source(*source);
  if (id) sources.push_back(source);
  return id;
}

/// All workers hand over what they hold, in the order in which it was received.
std::vector<Capture::DumpPiece> Capture::collect(const DumpWish& wish) {
  std::vector<DumpPiece> pieces;
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    auto answer = tell(worker, {.kind = Order::Kind::dump, .wish = wish});
    for (HeldBatch& held : answer->held) {
      pieces.push_back({answer->slots[held.slot], std::move(held.batch), held.received_at});
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const DumpPiece& left, const DumpPiece& right) { return left.received_at < right.received_at; });
  const std::lock_guard lock(mutex_);
  for (const DumpPiece& piece : pieces) dumping_packets_ += piece.batch.size();
  return pieces;
}

/// What cannot be written is in the books as dropped, as with any output.
Result<void> Capture::write_dump(DumpFile& file, const DumpWish& wish) {
  std::uint64_t refused_packets = 0;
  Result<void> added;
  for (DumpPiece& piece : collect(wish)) {
    auto id = file.id_of(piece.source);
    if (id) {
      file.recorder.write(*id, std::move(piece.batch));
      continue;
    }
    refused_packets += piece.batch.size();  // a link type that a classic pcap file has no room for
    piece.batch.reset();
    added = tl::unexpected(std::move(id.error()));
  }
  auto finished = file.recorder.finish();
  for (const auto& worker : workers_) worker->flight()->dump_is_over();
  const std::lock_guard lock(mutex_);
  dumping_packets_ = 0;
  const RecorderStats stats = file.recorder.stats();
  recorded_aside_ += stats;
  recorded_aside_.dropped_writer += refused_packets;
  dump_writer_ = stats.writer;
  return finished ? added : finished;
}

// ---- Triggers ------------------------------------------------------------------------------------------------------

/// A packet that matches starts the clock, the dump follows when it has run, and then there is none for a while. In
/// between the workers do not look at packets.
void Capture::look_after_trigger() {
  if (!flight_ || flight_->trigger.empty()) return;
  const auto now = Clock::now();
  if (trigger_stage_ == TriggerStage::armed) {
    const auto has_fired = [](const auto& worker) { return worker->flight()->has_fired(); };
    if (!std::any_of(workers_.begin(), workers_.end(), has_fired)) return;
    trigger_stage_ = TriggerStage::fired;
    trigger_due_ = now + flight_->trigger_delay;
    log(LogLevel::info, name_, "a packet matched '" + flight_->trigger + "'");
  }
  if (now < trigger_due_) return;
  if (trigger_stage_ == TriggerStage::fired) {
    {
      const std::lock_guard lock(mutex_);
      ++triggers_;
    }
    auto report = carry_out({.last_seconds = {}, .file = nullptr, .why = "'" + flight_->trigger + "'"});
    if (!report) log(LogLevel::error, name_, report.error().message());
    trigger_stage_ = TriggerStage::holding_off;
    trigger_due_ = Clock::now() + flight_->hold_off;
  } else {
    for (const auto& worker : workers_) worker->flight()->rearm();
    trigger_stage_ = TriggerStage::armed;
  }
}

}  // namespace ringtail::daemon
