#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "report.hpp"

namespace ringtail::tools {

namespace {

constexpr std::string_view begin_of_empty_line = "\r\033[K";  // ECMA-48: carriage return, erase to end of line

}  // namespace

ProgressLine::ProgressLine(bool wanted) : on_(wanted && isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(std::uint64_t packets, std::uint64_t dropped, double elapsed_seconds) {
  if (!on_) return;
  const double seconds = elapsed_seconds - last_seconds_;
  const double rate = seconds > 0 ? static_cast<double>(packets - last_packets_) / seconds : 0;
  last_packets_ = packets;
  last_seconds_ = elapsed_seconds;
  tell(fmt::format("{}Packets: {}  {:.0f}/s  dropped: {} ", begin_of_empty_line, packets, rate, dropped));
  visible_ = true;
}

void ProgressLine::erase() {
  if (visible_) tell(begin_of_empty_line);
  visible_ = false;
}

}  // namespace ringtail::tools
