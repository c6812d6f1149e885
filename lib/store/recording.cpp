#include "store/recording.hpp"

#include <algorithm>
#include <utility>

#include "base/contract.hpp"
#include "pcapfile/window_encoder.hpp"
#include "store/make_sink.hpp"
#include "store/storage_directory.hpp"

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
  if (options.path.empty() && options.storage == nullptr) return refuse("the file has no name");
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
  auto caretaker = store::Caretaker::create(options);
  if (!caretaker) return tl::unexpected(std::move(caretaker.error()));
  auto staging = store::StagingPool::create(staging_buffers, staging_buffer_bytes);
  if (!staging) return tl::unexpected(std::move(staging.error()));

  std::unique_ptr<Implementation> recording(new Implementation(std::move(options)));
  recording->staging_ = std::move(*staging);
  recording->caretaker_ = std::move(*caretaker);
  for (const Source* source : sources) {
    if (auto id = recording->introduce(*source); !id) return tl::unexpected(std::move(id.error()));
  }
  if (auto opened = recording->open_file(); !opened) return tl::unexpected(std::move(opened.error()));
  return recording;
}

Recorder::Implementation::Implementation(RecorderOptions options)
    : options_(std::move(options)),
      encoder_(pcapfile::make_window_encoder(options_.format)),
      piece_encoder_(pcapfile::make_piece_encoder(options_.format)),
      section_(options_.format, options_.application, options_.comment),
      files_(options_),
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

// The one that is open already, or one opened here.
Result<std::unique_ptr<store::Sink>> Recorder::Implementation::open_sink() {
  store::StorageDirectory* storage = options_.storage.get();
  const std::string path = storage == nullptr ? files_.next_path() : std::string();
  if (auto prepared = caretaker_->take_prepared()) {
    if (storage != nullptr ? prepared->name_file(*storage) : prepared->name_file(path)) return prepared;
  }
  auto output = storage != nullptr ? storage->create() : store::open_output(path, options_.group_readable);
  if (!output) return tl::unexpected(std::move(output.error()));
  return store::make_sink(std::move(*output), options_.writer, options_.format);
}

Result<void> Recorder::Implementation::open_file() {
  auto sink = open_sink();
  if (!sink) return tl::unexpected(std::move(sink.error()));
  files_.opened((*sink)->file().path);
  file_ =
      std::make_unique<store::CaptureFile>(std::move(*sink), options_.format, *staging_, *encoder_, *piece_encoder_);
  writer_ = file_->sink().name();
  head_written_ = false;
  next_asked_for_ = false;

  const auto now = Clock::now();
  rotation_clock_.file_opened(now, std::chrono::system_clock::now());
  statistics_due_ = now + options_.statistics_interval;
  if (options_.sync_interval) sync_due_ = now + *options_.sync_interval;
  sync_bytes_.reset();
  write_head();
  if (file_->failure() == nullptr) return {};
  Error error = *file_->failure();
  const store::OutputFile& output = file_->sink().file();
  if (options_.storage) {
    options_.storage->discard(output);
  } else if (output.is_ours) {
    store::remove_output(output.path, output.device, output.inode);
  }
  files_.discard();
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

void Recorder::Implementation::note(std::uint16_t source_id, std::uint16_t interface_id, std::string_view text) {
  base::require(section_.knows(source_id), "a source is added before anything is noted about it");
  if (file_ == nullptr || failure_ || complete_) return;
  scratch_.clear();
  section_.append_note(scratch_, source_id, interface_id, text);
  file_->append(scratch_);
  note_failure();
}

// Its last record is made here; how that gets into the file is the caretaker's business.
std::unique_ptr<store::CaptureFile> Recorder::Implementation::end_file() {
  close_blocks();
  if (file_->failure() == nullptr) write_statistics(false);
  note_failure();
  add(closed_chunks_, file_->chunks());
  return std::move(file_);
}

void Recorder::Implementation::next_file() {
  caretaker_->finish(end_file());
  note_caretaker_failure();
  if (failure_) return;
  if (auto opened = open_file(); !opened) return fail(opened.error());
  prepare_next_file();
}

void Recorder::Implementation::rotate() {
  base::require(has_next_file(), "only a ring of files has a next file");
  if (file_ == nullptr || failure_ || complete_) return;
  if (options_.stop_after_files && files_.count() >= *options_.stop_after_files) {
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
  note_caretaker_failure();
  if (failure_) return;
  prepare_next_file();
  if (rotation_clock_.is_due(now, std::chrono::system_clock::now)) rotate();
  if (file_ == nullptr || failure_) return;
  if (now >= statistics_due_) {
    write_statistics(true);
    caretaker_->watch_free_space();
  }
  if (is_flush_due(now)) flush(now);
  if (options_.sync_interval) sync_when_due(now);
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

// Files are synced on another thread, which must not meet bytes that are still on their way to this one: so when a sync
// is due, what has been taken is flushed, and the sync follows when that has arrived, or after a while without.
void Recorder::Implementation::sync_when_due(Clock::time_point now) {
  if (!sync_bytes_ && now >= sync_due_) {
    flush(now);
    sync_bytes_ = file_->taken().bytes;
    sync_due_ = now + *options_.sync_interval;
    sync_latest_ = now + options_.flush_interval;
  }
  if (!sync_bytes_ || (file_->landed_bytes() < *sync_bytes_ && now < sync_latest_)) return;
  if (caretaker_->sync(file_->sink().file())) sync_bytes_.reset();
}

// Not before the first tick: by then programs have settled whose rights a new file gets.
void Recorder::Implementation::prepare_next_file() {
  if (next_asked_for_ || !has_next_file()) return;
  if (options_.stop_after_files && files_.count() >= *options_.stop_after_files) return;
  next_asked_for_ = true;
  caretaker_->prepare();
}

Result<void> Recorder::Implementation::finish() {
  if (file_ != nullptr) caretaker_->finish_last(end_file());
  note_caretaker_failure();
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

void Recorder::Implementation::note_caretaker_failure() {
  if (!failure_ && caretaker_->has_failed()) failure_ = caretaker_->failure();
}

store::WholeRecords Recorder::Implementation::current_file() const noexcept {
  return file_ != nullptr ? file_->written() : store::WholeRecords{};
}

RecorderStats Recorder::Implementation::stats() const {
  store::WholeRecords written = caretaker_->written();
  written += current_file();
  RecorderStats stats;
  stats.written_packets = written.packets;
  stats.dropped_writer = accepted_packets_ - written.packets;
  stats.captured_bytes = written.captured_bytes;
  stats.written_bytes = written.bytes;
  store::ChunkCounts chunks = closed_chunks_;
  if (file_ != nullptr) add(chunks, file_->chunks());
  stats.copied_bytes = chunks.copied_bytes;
  stats.dilated_chunks = chunks.dilated;
  stats.compacted_chunks = chunks.compacted;
  stats.files_total = files_.count();
  stats.write_latency = caretaker_->latency();
  if (file_ != nullptr) stats.write_latency += file_->latency();
  stats.files = files_.recent_paths();
  stats.writer = writer_;
  return stats;
}

}  // namespace ringtail
