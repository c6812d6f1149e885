#include "store/write_behind.hpp"

#include <cerrno>
#include <fcntl.h>

namespace ringtail::store {

namespace {

constexpr unsigned start = SYNC_FILE_RANGE_WRITE;
constexpr unsigned wait = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

int sync_range(int descriptor, std::uint64_t begin, std::uint64_t end, unsigned flags) noexcept {
  int result = 0;
  do result = ::sync_file_range(descriptor, static_cast<off64_t>(begin), static_cast<off64_t>(end - begin), flags);
  while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

bool is_about_the_data(int error_number) noexcept {
  return error_number == EIO || error_number == ENOSPC || error_number == EDQUOT;
}

}  // namespace

int WriteBehind::advance(int descriptor, std::uint64_t end) noexcept {
  if (!is_possible_ || end - started_ < step_bytes) return 0;
  int error = sync_range(descriptor, started_, end, start);
  if (error == 0 && started_ > done_) error = sync_range(descriptor, done_, started_, wait);
  done_ = started_;
  started_ = end;
  is_possible_ = error == 0;
  return is_about_the_data(error) ? error : 0;
}

}  // namespace ringtail::store
