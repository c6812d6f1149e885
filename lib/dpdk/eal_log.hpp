// DPDK explains its failures in its log and nowhere else. This catches the log, so that errors can carry the words.
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace ringtail::dpdk {

/// The last lines of DPDK's log. One per process, as there is one DPDK. Any thread.
class EalLog {
 public:
  [[nodiscard]] static EalLog& instance();

  /// Routes DPDK's log here, before rte_eal_init(); `to_stderr`: to standard error as well.
  void attach(bool to_stderr);

  /// A place in the log, to ask from later.
  [[nodiscard]] std::uint64_t mark();

  /// Errors since `mark`, the first few, joined by "; ". Empty when DPDK said nothing.
  [[nodiscard]] std::string complaints_since(std::uint64_t mark);

 private:
  struct Line {
    std::uint64_t number;
    std::string text;
  };

  EalLog() = default;
  void write(std::string_view text, bool is_complaint);
  static ssize_t log_written(void* cookie, const char* text, std::size_t size);

  std::mutex mutex_;
  std::deque<Line> lines_;  // complaints only
  std::uint64_t next_number_ = 0;
  bool to_stderr_ = false;
};

/// While it lives, nothing that this process prints through stdout and stderr (FILE*, not the descriptors) comes out:
/// rte_eal_init() prints its usage there when an argument is wrong.
class PrintGag {
 public:
  PrintGag();
  ~PrintGag();
  PrintGag(const PrintGag&) = delete;
  PrintGag& operator=(const PrintGag&) = delete;

 private:
  std::FILE* stream_;
  std::FILE* saved_stdout_;
  std::FILE* saved_stderr_;
};

}  // namespace ringtail::dpdk
