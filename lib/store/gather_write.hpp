// One gathered write at a time: in the background where io_uring is to be had, or through a pipe, or else by pwritev.
//
// One, because writes that make a file longer take turns on its inode anyway, and because a second one that arrives
// before the first would leave a hole if we are killed between them. The disk is kept busy by making the one large.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <sys/uio.h>

#include "store/splice_pipe.hpp"

struct io_uring;

namespace ringtail::store {

class GatherWrite {
 public:
  /// Through `pipe` where one is given, which is synchronous. So is everything where the kernel has no io_uring or does
  /// not let us use it, or after the pipe has failed.
  explicit GatherWrite(std::optional<SplicePipe> pipe);
  ~GatherWrite();
  GatherWrite(const GatherWrite&) = delete;
  GatherWrite& operator=(const GatherWrite&) = delete;

  /// Not while one is running. `pieces` and what they point to stay as they are until the result has been taken.
  void start(int descriptor, std::span<const iovec> pieces, std::uint64_t offset) noexcept;
  [[nodiscard]] bool is_running() const noexcept { return running_; }
  /// True when a long write is cheaper than several short ones.
  [[nodiscard]] bool gathers() const noexcept { return !pipe_; }

  /// True when bytes go through a pipe.
  [[nodiscard]] bool has_pipe() const noexcept { return pipe_ && pipe_->is_open(); }
  /// Not while a write is running.
  [[nodiscard]] SplicePipe& pipe() noexcept { return *pipe_; }

  /// The result of the running write, once: bytes written or a negative errno; none yet. Makes no system call.
  [[nodiscard]] std::optional<std::int64_t> poll() noexcept;
  /// The same, waiting for it.
  [[nodiscard]] std::int64_t wait() noexcept;

 private:
  struct RingDeleter {
    void operator()(io_uring* ring) const noexcept;
  };
  std::optional<SplicePipe> pipe_;
  std::unique_ptr<io_uring, RingDeleter> ring_;  // null: synchronous
  bool running_ = false;
  std::optional<std::int64_t> result_;  // of a synchronous write
};

}  // namespace ringtail::store
