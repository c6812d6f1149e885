#include "store/recording.hpp"

#include <algorithm>
#include <utility>

#include "base/contract.hpp"
#include "pcapfile/window_encoder.hpp"
#include "store/make_sink.hpp"

namespace ringtail {

namespace {

constexpr std::uint32_t staging_buffers = 8;
constexpr std::size_t staging_buffer_bytes = std::size_t{1} << 20;

/// What no machine could do.
Result<void> check(const RecorderOptions& options) {
  const auto refuse = [&](const char* reason) { return tl::unexpected(usage_error("write " + options.path, reason)); };
  const Rotation& rotation = options.rotation;
  if (options.path.empty()) return refuse("the file has no name");
  if (options.path == "-" && rotation.is_on()) return refuse("standard output cannot become several files");
  if (options.format != FileFormat::pcapng && options.layout == Layout::dilate) {
    return refuse("only pcapng can be dilated: pcap has nothing a reader would skip");
  }
  if (options.stop_after_files && !rotation.is_on()) return refuse("a number of files needs a ring of files");
  if (rotation.duration && rotation.duration->count() <= 0) return refuse("a file must last longer than no time");
  if (rotation.interval && rotation.interval->count() <= 0) return refuse("an interval must be longer than no time");
  if (rotation.file_packets == 0U || rotation.file_bytes == 0U) return refuse("a file must hold more than nothing");
  if (rotation.keep_files == 0U) return refuse("a ring of files has at least one file");
  if (options.flush_interval.count() < 0) return refuse("a flush interval cannot be negative");
  return {};
}

}  // namespace

Result<std::unique_ptr<Recorder::Implementation>> Recorder::Implementation::create(
    RecorderOptions options, const std::vector<const Source*>& sources) {
  if (auto possible = check(options); !possible) return tl::unexpected(std::move(possible.error()));
  auto files = store::FileSeries::create(options);
  if (!files) return tl::unexpected(std::move(files.error()));
  auto staging = store::StagingPool::create(staging_buffers, staging_buffer_bytes);
  if (!staging) return tl::unexpected(std::move(staging.error()));

  std::unique_ptr<Implementation> recording(new Implementation(std::move(options), std::move(*files)));
  recording->staging_ = std::move(*staging);
  for (const Source* source : sources) {
    if (auto id = recording->section_.add_source(*source); !id) return tl::unexpected(std::move(id.error()));
  }
  if (auto opened = recording->open_file(); !opened) return tl::unexpected(std::move(opened.error()));
  return recording;
}

Recorder::Implementation::Implementation(RecorderOptions options, store::FileSeries files)
    : options_(std::move(options)),
      encoder_(pcapfile::make_window_encoder(options_.format)),
      section_(options_.format, options_.application, options_.comment),
      files_(std::move(files)),
      rotation_clock_(options_.rotation.duration, options_.rotation.interval) {}

Result<std::uint16_t> Recorder::Implementation::add_source(const Source& source) {
  auto id = section_.add_source(source);
  if (!id || file_ == nullptr) return id;
  write_head();
  note_failure();
  return id;
}

// ---- Packets -------------------------------------------------------------------------------------------------------

void Recorder::Implementation::write(std::uint16_t source_id, Batch& batch) {
  base::require(section_.knows(source_id), "a source is added before its batches are written");
  base::require(file_ != nullptr || failure_, "nothing is written after finish()");
  if (complete_) return batch.keep_first(0);
  take_interfaces(source_id);

  const std::span<const PacketDescriptor> packets{batch.slot()->descriptors, batch.size()};
  std::uint32_t done = 0;
  while (done < packets.size() && failure_ == std::nullopt && !complete_) {
    if (file_->is_full(limits())) next_file();
    if (failure_) break;
    const std::uint32_t copied =
        file_->copy_packets(packets.subspan(done), batch.slot()->memory_base, section_.map(source_id), limits());
    done += copied;
    section_.count_written(source_id, copied);
    note_failure();
    end_full_file();
  }
  if (complete_) batch.keep_first(done);
  accepted_packets_ += batch.size();
}

void Recorder::Implementation::take_interfaces(std::uint16_t source_id) {
  if (failure_) return;
  if (auto learned = section_.learn_interfaces(source_id); !learned) return fail(learned.error());
  write_head();
  if (!section_.has_new_interfaces()) [[likely]]
    return;
  scratch_.clear();
  section_.append_new_interfaces(scratch_);
  file_->append(scratch_);
  note_failure();
}

// A full file is not left before the next packet comes, lest the last file be empty; but the last one that was asked
// for is the end.
void Recorder::Implementation::end_full_file() {
  if (file_ == nullptr || !file_->is_full(limits())) return;
  const bool is_last = options_.stop_after_files && files_.opened() >= *options_.stop_after_files;
  complete_ = complete_ || is_last || (options_.stop_after_file_bytes && !options_.rotation.is_on());
}

store::FileLimits Recorder::Implementation::limits() const noexcept {
  store::FileLimits limits;
  const Rotation& rotation = options_.rotation;
  limits.packets = rotation.file_packets.value_or(store::FileLimits::none);
  const auto bytes = rotation.is_on() ? rotation.file_bytes : options_.stop_after_file_bytes;
  if (bytes) {
    // The statistics at the file's end count too; so a file passes its size by one record at most.
    limits.bytes = *bytes - std::min<std::uint64_t>(*bytes - 1, section_.statistics_bytes());
  }
  return limits;
}

// ---- Files ---------------------------------------------------------------------------------------------------------

Result<void> Recorder::Implementation::open_file() {
  auto output = files_.open_next();
  if (!output) return tl::unexpected(std::move(output.error()));
  auto sink = store::make_sink(std::move(*output), options_.writer, options_.format);
  if (!sink) return tl::unexpected(std::move(sink.error()));
  file_ = std::make_unique<store::CaptureFile>(std::move(*sink), *staging_, *encoder_);
  writer_ = file_->sink().name();
  head_written_ = false;

  const auto now = Clock::now();
  rotation_clock_.file_opened(now, std::chrono::system_clock::now());
  statistics_due_ = now + options_.statistics_interval;
  if (options_.sync_interval) sync_due_ = now + *options_.sync_interval;
  write_head();
  if (file_->failure() == nullptr) return {};
  Error error = *file_->failure();
  files_.discard(file_->sink().file());
  file_.reset();
  return tl::unexpected(std::move(error));
}

void Recorder::Implementation::write_head() {
  if (head_written_ || !section_.can_write_head()) return;
  head_written_ = true;
  scratch_.clear();
  section_.append_head(scratch_);
  file_->append(scratch_);
  file_->flush_and_wait();  // from now on the file is a valid one
}

void Recorder::Implementation::write_statistics(bool only_changed) {
  scratch_.clear();
  section_.append_statistics(scratch_, only_changed);
  file_->append(scratch_);
  statistics_due_ = Clock::now() + options_.statistics_interval;
}

void Recorder::Implementation::close_file() {
  if (file_->failure() == nullptr) write_statistics(false);
  file_->finish();
  note_failure();
  const store::WholeRecords& written = file_->written();
  closed_.bytes += written.bytes;
  closed_.packets += written.packets;
  closed_.captured_bytes += written.captured_bytes;
  closed_copied_bytes_ += file_->copied_bytes();
  files_.finished(file_->sink().file(), written.bytes);
  file_.reset();
}

void Recorder::Implementation::next_file() {
  close_file();
  if (failure_) return;
  if (auto opened = open_file(); !opened) fail(opened.error());
}

void Recorder::Implementation::rotate() {
  base::require(options_.rotation.is_on(), "only a ring of files has a next file");
  if (file_ == nullptr || failure_ || complete_) return;
  if (options_.stop_after_files && files_.opened() >= *options_.stop_after_files) {
    complete_ = true;
  } else {
    next_file();
  }
}

// ---- By the clock --------------------------------------------------------------------------------------------------

void Recorder::Implementation::tick() {
  if (file_ == nullptr || failure_) return;
  const auto now = Clock::now();
  file_->reap();
  if (rotation_clock_.is_due(now, std::chrono::system_clock::now)) rotate();
  if (file_ == nullptr || failure_) return;
  if (now >= statistics_due_) {
    write_statistics(true);
    files_.watch_free_space(1);
  }
  if (options_.sync_interval && now >= sync_due_) {
    file_->sync();
    sync_due_ = now + *options_.sync_interval;
  }
  if (is_flush_due(now)) file_->flush();
  last_tick_ = now;
  note_failure();
}

// A flush may need another tick until its last bytes are in the file, so it begins two ticks before it is due, going by
// how long the last one has taken to come.
bool Recorder::Implementation::is_flush_due(Clock::time_point now) const {
  const auto since = file_->waiting_since();
  if (!since) return false;
  const Clock::duration interval = options_.flush_interval;
  return now - *since >= interval - std::min(2 * (now - last_tick_), interval / 2);
}

Result<void> Recorder::Implementation::finish() {
  if (file_ != nullptr) close_file();
  if (failure_) return tl::unexpected(*failure_);
  return {};
}

// ---- Accounts ------------------------------------------------------------------------------------------------------

void Recorder::Implementation::fail(const Error& error) {
  if (!failure_) failure_ = error;
}

void Recorder::Implementation::note_failure() {
  if (const Error* error = file_->failure()) fail(*error);
}

store::WholeRecords Recorder::Implementation::current_file() const noexcept {
  return file_ != nullptr ? file_->written() : store::WholeRecords{};
}

RecorderStats Recorder::Implementation::stats() const {
  const store::WholeRecords open = current_file();
  RecorderStats stats;
  stats.written_packets = closed_.packets + open.packets;
  stats.dropped_writer = accepted_packets_ - stats.written_packets;
  stats.captured_bytes = closed_.captured_bytes + open.captured_bytes;
  stats.written_bytes = closed_.bytes + open.bytes;
  stats.copied_bytes = closed_copied_bytes_ + (file_ != nullptr ? file_->copied_bytes() : 0);
  stats.files_total = files_.opened();
  stats.files = files_.recent_paths();
  stats.writer = writer_;
  return stats;
}

}  // namespace ringtail
