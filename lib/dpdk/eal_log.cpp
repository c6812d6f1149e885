#include "dpdk/eal_log.hpp"

#include <rte_log.h>

namespace ringtail::dpdk {

namespace {

constexpr std::size_t lines_kept = 64;
constexpr std::size_t lines_told = 3;

ssize_t discard(void*, const char*, std::size_t size) {
  return static_cast<ssize_t>(size);
}

std::FILE* open_stream(void* cookie, cookie_write_function_t* written) {
  std::FILE* stream =
      ::fopencookie(cookie, "w", {.read = nullptr, .write = written, .seek = nullptr, .close = nullptr});
  if (stream != nullptr) std::setvbuf(stream, nullptr, _IOLBF, BUFSIZ);
  return stream;
}

}  // namespace

EalLog& EalLog::instance() {
  static auto* log = new EalLog;  // never destroyed: DPDK's threads may write until the very end
  return *log;
}

void EalLog::attach(bool to_stderr) {
  to_stderr_ = to_stderr;
  static std::FILE* stream = open_stream(this, &EalLog::log_written);
  if (stream != nullptr) rte_openlog_stream(stream);
}

ssize_t EalLog::log_written(void* cookie, const char* text, std::size_t size) {
  // rte_vlog() flushes each message, on the thread that logs it, so the level is that of this message.
  const int level = rte_log_cur_msg_loglevel();
  static_cast<EalLog*>(cookie)->write({text, size}, level > 0 && level <= static_cast<int>(RTE_LOG_ERR));
  return static_cast<ssize_t>(size);
}

void EalLog::write(std::string_view text, bool is_complaint) {
  const std::lock_guard lock(mutex_);
  if (to_stderr_) std::fwrite(text.data(), 1, text.size(), stderr);
  if (!is_complaint) return;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (!line.empty()) lines_.push_back({next_number_++, std::string(line)});
    if (lines_.size() > lines_kept) lines_.pop_front();
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

std::uint64_t EalLog::mark() {
  const std::lock_guard lock(mutex_);
  return next_number_;
}

std::string EalLog::complaints_since(std::uint64_t mark) {
  const std::lock_guard lock(mutex_);
  std::string joined;
  std::size_t told = 0;
  for (const Line& line : lines_) {  // the first complaints name the cause, later ones what came of it
    if (line.number < mark || told == lines_told) continue;
    joined += (joined.empty() ? "" : "; ") + line.text;
    ++told;
  }
  return joined;
}

PrintGag::PrintGag() : stream_(open_stream(nullptr, &discard)), saved_stdout_(stdout), saved_stderr_(stderr) {
  // glibc's stdout and stderr are variables that may be assigned (glibc manual, "Standard Streams").
  if (stream_ != nullptr) stdout = stderr = stream_;
}

PrintGag::~PrintGag() {
  stdout = saved_stdout_;
  stderr = saved_stderr_;
  if (stream_ != nullptr) std::fclose(stream_);
}

}  // namespace ringtail::dpdk
