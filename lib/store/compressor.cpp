#include "store/compressor.hpp"

#include <cerrno>
#include <chrono>
#include <sched.h>
#include <unistd.h>
#include <utility>

#include "base/quiet_thread.hpp"
#include "store/seekable_zstd.hpp"

namespace ringtail::store {

namespace {

using namespace std::chrono_literals;

constexpr auto look_interval = 1s;
constexpr auto retry_interval = 60s;

}  // namespace

Compressor::Compressor(std::shared_ptr<StorageDirectory> storage, std::function<void(const Error&)> complain)
    : storage_(std::move(storage)), complain_(std::move(complain)) {
  thread_ = base::start_quiet_thread([this] { run(); });
}

Compressor::~Compressor() {
  {
    const std::lock_guard lock(mutex_);
    // The lock orders it for the condition; else no data comes with it.
    stopping_.store(true, std::memory_order_relaxed);
  }
  wake_.notify_one();
  thread_.join();
}

void Compressor::run() {
  // Runs when nobody else wants to (sched(7)); anybody may do so with their own threads. Without it: as all threads.
  const sched_param none{};
  ::sched_setscheduler(0, SCHED_IDLE, &none);
  auto retry_due = std::chrono::steady_clock::now() + retry_interval;
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (const auto now = std::chrono::steady_clock::now(); now >= retry_due) {
      failed_.clear();
      retry_due = now + retry_interval;
    }
    if (compress_one()) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, look_interval, [this] { return stopping_.load(std::memory_order_relaxed); });
  }
}

/// False when there is nothing to do.
bool Compressor::compress_one() {
  const auto file = storage_->oldest_uncompressed(failed_);
  if (!file) return false;
  if (auto compressed = compress(*file); !compressed) {
    failed_.insert(file->name);
    if (compressed.error().error_number != ECANCELED) complain_(compressed.error());
  }
  return true;
}

Result<void> Compressor::compress(const FinishedFileInHand& file) {
  auto output = storage_->create_compressed(file);
  if (!output) return tl::unexpected(std::move(output.error()));
  auto bytes = compress_seekably(file.descriptor.get(), output->descriptor.get(), file.name, stopping_);
  Result<void> done;
  if (!bytes) {
    done = tl::unexpected(std::move(bytes.error()));
  } else if (::fsync(output->descriptor.get()) != 0) {
    done = tl::unexpected(system_error("compress " + file.name, errno, output->path));
  } else {
    done = storage_->exchange(file, *output, *bytes);
  }
  if (!done) storage_->discard(*output);
  return done;
}

}  // namespace ringtail::store
