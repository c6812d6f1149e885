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

void add(store::ChunkCounts& sum, const store::ChunkCounts& chunks) {
  sum.dilated += chunks.dilated;
  sum.compacted += chunks.compacted;
  sum.copied_bytes += chunks.copied_bytes;
}

/// What no machine could do.
Result<void> check(const RecorderOptions& options) {
  const auto refuse = [&](const char* reason) { return tl::unexpected(usage_error("write " + options.path, reason)); };
  const Rotation& rotation = options.rotation;
  if (options.path.empty()) return refuse("the file has no name");
  if (options.writer == Writer::mmap) {
    return tl::unexpected(make_error("write " + options.path, "this version has no mmap writer",
                                     "choose the writer auto, direct, splice or write"));
  }
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
    if (auto id = recording->introduce(*source); !id) return tl::unexpected(std::move(id.error()));
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

Result<std::uint16_t> Recorder::Implementation::introduce(const Source& source) {
  auto id = section_.add_source(source);
  if (id) blocks_.emplace_back(options_.format, options_.layout);
  return id;
}

Result<std::uint16_t> Recorder::Implementation::add_source(const Source& source) {
  auto id = introduce(source);
  if (!id || file_ == nullptr) return id;
  write_head();
  note_failure();
  return id;
}

// ---- Files ---------------------------------------------------------------------------------------------------------

Result<void> Recorder::Implementation::open_file() {
  auto output = files_.open_next();
  if (!output) return tl::unexpected(std::move(output.error()));
  auto sink = store::make_sink(std::move(*output), options_.writer, options_.format);
  if (!sink) return tl::unexpected(std::move(sink.error()));
  file_ = std::make_unique<store::CaptureFile>(std::move(*sink), options_.format, *staging_, *encoder_);
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
  close_blocks();
  if (file_->failure() == nullptr) write_statistics(false);
  file_->finish();
  note_failure();
  const store::WholeRecords& written = file_->written();
  closed_.bytes += written.bytes;
  closed_.packets += written.packets;
  closed_.captured_bytes += written.captured_bytes;
  add(closed_chunks_, file_->chunks());
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
  if (is_flush_due(now)) flush(now);
  last_tick_ = now;
  note_failure();
}

// A flush may need another tick until its last bytes are in the file, so it begins two ticks before it is due, going by
// how long the last one has taken to come.
bool Recorder::Implementation::is_flush_due(Clock::time_point now) const {
  auto since = file_->waiting_since();
  for (const store::BlockWriter& block : blocks_) {
    if (block.is_open() && (!since || block.opened_at() < *since)) since = block.opened_at();
  }
  if (!since) return false;
  const Clock::duration interval = options_.flush_interval;
  return now - *since >= interval - std::min(2 * (now - last_tick_), interval / 2);
}

// A block that is just being walked is left alone: what comes of it will be in the file soon enough.
void Recorder::Implementation::flush(Clock::time_point now) {
  for (store::BlockWriter& block : blocks_) {
    if (block.is_open() && now - block.opened_at() >= options_.flush_interval / 2) file_->submit_block(block, false);
  }
  file_->flush();
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
  const Error* error = file_->failure();
  if (error == nullptr) return;
  fail(*error);
  for (store::BlockWriter& block : blocks_) block.drop();
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
  store::ChunkCounts chunks = closed_chunks_;
  if (file_ != nullptr) add(chunks, file_->chunks());
  stats.copied_bytes = chunks.copied_bytes;
  stats.dilated_chunks = chunks.dilated;
  stats.compacted_chunks = chunks.compacted;
  stats.files_total = files_.opened();
  stats.files = files_.recent_paths();
  stats.writer = writer_;
  return stats;
}

}  // namespace ringtail
