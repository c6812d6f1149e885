#include "store/caretaker.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "base/quiet_thread.hpp"
#include "store/make_sink.hpp"
#include "store/output_file.hpp"
#include "store/storage_directory.hpp"

namespace ringtail::store {

namespace {

/// One being finished, one waiting. Each may hold a quarter of a ring's blocks and some of the staging buffers.
constexpr std::size_t most_files_in_hand = 2;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<std::unique_ptr<Caretaker>> Caretaker::create(const RecorderOptions& options) {
  auto names = NameList::open(options.rotation.print_names_to, options.group_readable);
  if (!names) return tl::unexpected(std::move(names.error()));
  return std::unique_ptr<Caretaker>(new Caretaker(options, std::move(*names)));
}

Caretaker::Caretaker(const RecorderOptions& options, NameList names)
    : options_(options),
      directory_(directory_of(options.path)),
      names_(std::move(names)),
      retention_(options.rotation, directory_) {
  CPU_ZERO(&allowed_cpus_);
  ::sched_getaffinity(0, sizeof allowed_cpus_, &allowed_cpus_);
}

Caretaker::~Caretaker() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  thread_.join();
}

// ---- The capturing thread's side -----------------------------------------------------------------------------------

void Caretaker::wake(std::unique_lock<std::mutex>& lock) {
  if (!thread_.joinable()) {
    const bool started = start_thread();
    while (!started && has_work()) do_next(lock);  // then it is done here
  }
  lock.unlock();
  work_.notify_one();
}

bool Caretaker::start_thread() {
  try {
    thread_ = base::start_quiet_thread([this] { run(); });
    return true;
  } catch (const std::system_error&) {  // too many threads
    return false;
  }
}

void Caretaker::prepare() {
  std::unique_lock lock(mutex_);
  if (preparing_ != Preparing::no) return;
  preparing_ = Preparing::asked_for;
  wake(lock);
}

std::unique_ptr<Sink> Caretaker::take_prepared() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return preparing_ != Preparing::running; });
  preparing_ = Preparing::no;
  return std::move(prepared_);
}

void Caretaker::finish(std::unique_ptr<CaptureFile> file) {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return finishing_.size() < most_files_in_hand; });
  written_ += file->written();
  latency_ += file->latency();
  finishing_.push_back(std::move(file));
  wake(lock);
}

void Caretaker::finish_last(std::unique_ptr<CaptureFile> file) {
  {
    std::unique_lock lock(mutex_);
    if (preparing_ == Preparing::asked_for) preparing_ = Preparing::no;
    done_.wait(lock, [this] { return !busy_ && !has_work(); });
    prepared_.reset();
  }
  constexpr std::uint64_t keep_what_there_is = 0;
  finish_one(*file, keep_what_there_is);
  const std::lock_guard lock(mutex_);
  written_ += file->written();
  latency_ += file->latency();
}

bool Caretaker::sync(const OutputFile& file) {
  std::unique_lock lock(mutex_);
  if (syncing_) return false;
  base::FileDescriptor duplicate(::fcntl(file.descriptor.get(), F_DUPFD_CLOEXEC, 0));
  if (!duplicate.is_open()) return false;  // no descriptor is free: later, perhaps
  syncing_ = true;
  sync_ = SyncRequest{std::move(duplicate), file.path, file.is_ours};
  wake(lock);
  return true;
}

void Caretaker::watch_free_space() {
  if (!retention_.watches_free_space()) return;
  std::unique_lock lock(mutex_);
  watching_free_space_ = true;
  wake(lock);
}

std::optional<Error> Caretaker::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

WholeRecords Caretaker::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

LatencyHistogram Caretaker::latency() const {
  const std::lock_guard lock(mutex_);
  return latency_;
}

// ---- The caretaker's thread ----------------------------------------------------------------------------------------

void Caretaker::run() {
  ::sched_setaffinity(0, sizeof allowed_cpus_, &allowed_cpus_);
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return stopping_ || has_work(); });
    if (!has_work()) return;
    busy_ = true;
    do_next(lock);
    busy_ = false;
    done_.notify_all();
  }
}

bool Caretaker::has_work() const {
  return preparing_ == Preparing::asked_for || sync_ || !finishing_.empty() || watching_free_space_;
}

void Caretaker::do_next(std::unique_lock<std::mutex>& lock) {
  if (preparing_ == Preparing::asked_for) {
    preparing_ = Preparing::running;
    lock.unlock();
    std::unique_ptr<Sink> sink = open_ahead();
    lock.lock();
    prepared_ = std::move(sink);
    preparing_ = Preparing::done;
  } else if (sync_) {
    const SyncRequest request = *std::exchange(sync_, std::nullopt);
    lock.unlock();
    sync_file(request);
    lock.lock();
    syncing_ = false;
  } else if (!finishing_.empty()) {
    CaptureFile& file = *finishing_.front();
    const std::uint64_t open_files = finishing_.size();  // this one makes room for the one that has followed it
    lock.unlock();
    const WholeRecords taken = file.written();
    const LatencyHistogram counted = file.latency();
    finish_one(file, open_files);
    lock.lock();
    written_ -= taken;
    written_ += file.written();
    latency_ -= counted;
    latency_ += file.latency();
    std::unique_ptr<CaptureFile> finished = std::move(finishing_.front());
    finishing_.pop_front();
    lock.unlock();
    finished.reset();
    lock.lock();
  } else {
    watching_free_space_ = false;
    lock.unlock();
    retention_.enforce(1);
    lock.lock();
  }
}

std::unique_ptr<Sink> Caretaker::open_ahead() const {
  auto file = options_.storage ? options_.storage->create_unnamed() : open_unnamed(directory_, options_.group_readable);
  if (!file) return nullptr;  // opened under its name when the time has come, it will say why it cannot be had
  auto sink = make_sink(std::move(*file), options_.writer, options_.format);
  return sink ? std::move(*sink) : nullptr;
}

// `open_files`: how many others count among those to be kept; 0 at the end, when nothing more has to go.
void Caretaker::finish_one(CaptureFile& file, std::uint64_t open_files) {
  if (options_.storage) return store_away(file);
  if (options_.sync_interval) file.sync();
  file.finish();
  const OutputFile& output = file.sink().file();
  if (options_.sync_interval && output.is_ours) sync_directory();
  if (const Error* error = file.failure()) note_failure(*error);
  names_.print(output.path);
  if (output.is_ours) {
    retention_.add({output.path, output.device, output.inode, file.written().bytes});
  }
  if (open_files > 0) retention_.enforce(open_files);
}

// What a file under its final name holds is on the disk. A file that broke off before its first packet is not kept.
void Caretaker::store_away(CaptureFile& file) {
  file.sync();
  file.finish();
  const OutputFile& output = file.sink().file();
  if (const Error* error = file.failure()) {
    note_failure(*error);
    if (file.written().packets == 0) return options_.storage->discard(output);
  }
  const auto path = options_.storage->publish(output, file.written().bytes);
  if (!path) return note_failure(path.error());
  names_.print(*path);
}

void Caretaker::sync_file(const SyncRequest& request) {
  if (::fdatasync(request.descriptor.get()) != 0) {
    note_failure(system_error("sync " + request.path, errno, request.path));
  }
  if (request.has_name) sync_directory();
}

// A file is only there after a power cut when its name is, too.
void Caretaker::sync_directory() {
  const base::FileDescriptor directory(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return;  // write-only, or gone: the next file will say so
  if (::fsync(directory.get()) != 0 && errno != EINVAL) {
    note_failure(system_error("sync " + directory_, errno, directory_));
  }
}

void Caretaker::note_failure(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = error;
  failed_.store(true, std::memory_order_release);  // pairs with has_failed()
}

}  // namespace ringtail::store
