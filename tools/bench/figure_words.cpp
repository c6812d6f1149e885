#include "bench/figure_words.hpp"

#include <fmt/format.h>

namespace ringtail::bench {

namespace {

double tcpdump_ns(const std::vector<LiveRow>& rows, const std::string& traffic) {
  for (const LiveRow& row : rows) {
    if (row.traffic == traffic && row.contestant == "tcpdump") return row.figures.cpu_ns_per_packet.median;
  }
  return 0;
}

double raw_speed(const CopyTable& table, const std::string& traffic) {
  for (const CopyTableRow& row : table.rows) {
    if (row.traffic == traffic && row.way->name == raw_disk_way) return row.figures.file_gb_per_second.median;
  }
  return 0;
}

}  // namespace

std::string frames_words(const std::string& traffic) {
  return traffic == "mix" ? "mix" : traffic + " bytes";
}

std::string spread_words(const Spread& spread, int decimals, double scale) {
  return fmt::format("{:.{}f} ({:.{}f}-{:.{}f})", spread.median * scale, decimals, spread.least * scale, decimals,
                     spread.most * scale, decimals);
}

std::string loss_words(const Figures& figures) {
  const std::int64_t lost = figures.lost_packets();
  if (lost == 0) return "0";
  return fmt::format("{} ({:.2f} %)", lost,
                     100.0 * static_cast<double>(lost) / static_cast<double>(figures.offered_packets));
}

std::string calls_words(const Figures& figures) {
  return figures.system_calls_per_1000 ? fmt::format("{:.2f}", *figures.system_calls_per_1000) : "?";
}

std::string tcpdump_ratio_words(const LiveRow& row, const std::vector<LiveRow>& rows) {
  const double tcpdump = tcpdump_ns(rows, row.traffic);
  const double own = row.figures.cpu_ns_per_packet.median;
  return own > 0 && tcpdump > 0 ? fmt::format("1/{:.1f}", tcpdump / own) : "-";
}

std::string raw_speed_words(const CopyTableRow& row, const CopyTable& table) {
  const double raw = raw_speed(table, row.traffic);
  return raw > 0 ? fmt::format("{:.0f} %", 100 * row.figures.file_gb_per_second.median / raw) : "?";
}

std::string lossless_words(const RateRow& row) {
  const RateBounds& bounds = row.bounds;
  const std::string rate = fmt::format("{:.0f}", bounds.lossless_per_second / 1e3);
  return bounds.lossless_per_second > 0 ? rate : "never";
}

std::string machine_words(const MachineFacts& machine) {
  constexpr double gibibyte = 1 << 30;
  return fmt::format("{} x {}, {:.0f} GiB; {}; files in {} ({} on {})", machine.processors, machine.processor,
                     static_cast<double>(machine.memory_bytes) / gibibyte, machine.operating_system, machine.directory,
                     machine.file_system, machine.device);
}

}  // namespace ringtail::bench
