// Figures in words, the same on a terminal and on a page.
#pragma once

#include <string>
#include <vector>

#include "bench/findings.hpp"

namespace ringtail::bench {

/// "512 bytes"; "mix"
[[nodiscard]] std::string frames_words(const std::string& traffic);
/// "123 (120-130)"
[[nodiscard]] std::string spread_words(const Spread& spread, int decimals, double scale = 1);
/// "0"; "17 (0.02 %)"
[[nodiscard]] std::string loss_words(const Figures& figures);
/// "?" where they were not counted.
[[nodiscard]] std::string calls_words(const Figures& figures);
/// "1/6.1": what part of tcpdump's CPU time per packet a row takes. "-" where there is nothing to compare.
[[nodiscard]] std::string tcpdump_ratio_words(const LiveRow& row, const std::vector<LiveRow>& rows);
/// What part of the raw disk's speed a row reaches: "97 %".
[[nodiscard]] std::string raw_speed_words(const CopyTableRow& row, const CopyTable& table);
/// Thousand packets per second without loss.
[[nodiscard]] std::string lossless_words(const RateRow& row);
/// What was measured where: processor, system, disk.
[[nodiscard]] std::string machine_words(const MachineFacts& machine);

}  // namespace ringtail::bench
