#include "store/gather_write.hpp"

#include <cerrno>
#include <liburing.h>
#include <utility>

#include "base/contract.hpp"

namespace ringtail::store {

void GatherWrite::RingDeleter::operator()(io_uring* ring) const noexcept {
  io_uring_queue_exit(ring);
  delete ring;
}

GatherWrite::GatherWrite(std::optional<SplicePipe> pipe) : pipe_(std::move(pipe)) {
  if (pipe_) return;
  auto ring = std::make_unique<io_uring>();
  constexpr unsigned entries = 2;
  // A completion need not interrupt a thread that looks by itself (5 % of the CPU time of a capture); kernels before
  // 5.19 do not know these flags.
  constexpr unsigned without_interrupts = IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
  if (io_uring_queue_init(entries, ring.get(), without_interrupts) == 0 ||
      io_uring_queue_init(entries, ring.get(), 0) == 0) {
    ring_.reset(ring.release());
  }
}

GatherWrite::~GatherWrite() {
  if (running_) (void)wait();  // the kernel still reads the memory
}

void GatherWrite::start(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) noexcept {
  base::require(!running_, "one write at a time");
  running_ = true;
  if (ring_ != nullptr) {
    io_uring_sqe* entry = io_uring_get_sqe(ring_.get());
    io_uring_prep_writev(entry, descriptor, pieces.data(), static_cast<unsigned>(pieces.size()), offset);
    int submitted = 0;
    do submitted = io_uring_submit(ring_.get());
    while (submitted == -EINTR);
    if (submitted == 1) return;
    ring_.reset();  // it took nothing (out of memory): from now on without it
  }
  if (pipe_ && pipe_->is_open()) {
    const Written written = pipe_->write(descriptor, pieces, offset);
    const bool got_somewhere = written.error_number == 0 || (written.bytes > 0 && written.error_number != EIO);
    result_ = got_somewhere ? static_cast<std::int64_t>(written.bytes) : -written.error_number;
    return;
  }
  ssize_t written = 0;
  do written = ::pwritev(descriptor, pieces.data(), static_cast<int>(pieces.size()), static_cast<off_t>(offset));
  while (written < 0 && errno == EINTR);
  result_ = written < 0 ? -errno : written;
}

std::optional<std::int64_t> GatherWrite::poll() noexcept {
  if (!running_) return std::nullopt;
  if (result_) {
    running_ = false;
    return std::exchange(result_, std::nullopt);
  }
  io_uring_cqe* completion = nullptr;
  if (io_uring_peek_cqe(ring_.get(), &completion) != 0) return std::nullopt;
  const std::int64_t result = completion->res;
  io_uring_cqe_seen(ring_.get(), completion);
  running_ = false;
  return result;
}

std::int64_t GatherWrite::wait() noexcept {
  base::require(running_, "only a running write can be waited for");
  for (;;) {
    if (const auto result = poll()) return *result;
    io_uring_cqe* completion = nullptr;
    (void)io_uring_wait_cqe(ring_.get(), &completion);  // EINTR: look again
  }
}

}  // namespace ringtail::store
