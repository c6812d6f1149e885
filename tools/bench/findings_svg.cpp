// The picture: bars for the live race and the no-drop rates, one group per frame size with an axis of its own, and dots
// on a logarithmic axis for the copy table.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "bench/findings.hpp"
#include "bench/svg.hpp"

namespace ringtail::bench {

namespace {

constexpr double picture_width = 860;
constexpr double axis_x = 170;
constexpr double axis_width = 480;  // what is right of it is for words
constexpr double row_height = 20;
constexpr double margin = 20;

struct Bar {
  std::string name;
  double value = 0;
  double least = 0;
  double most = 0;
  std::string words;  ///< behind the bar
  std::string colour;
};

std::string frames_text(const std::string& traffic) {
  return traffic == "mix" ? "internet mix" : traffic + "-byte frames";
}

/// The same colour for a contestant everywhere.
std::string colour_of(const std::string& contestant) {
  const char* const names[] = {"ringtail", "ringtail pcap", "tcpdump", "dumpcap", "netsniff-ng"};
  const auto* const found = std::find(std::begin(names), std::end(names), contestant);
  return fmt::format("c{}", found - std::begin(names));
}

/// Horizontal bars from 0, with whiskers. Returns where the next thing may stand.
double draw_bars(Svg& svg, double top, const std::string& title, const std::vector<Bar>& bars) {
  double most = 0;
  for (const Bar& bar : bars) most = std::max({most, bar.value, bar.most});
  if (most <= 0) return top;
  svg.text(margin, top + 14, title);
  const double bottom = top + row_height + row_height * static_cast<double>(bars.size());
  const auto x_of = [most](double value) { return axis_x + axis_width * std::max(value, 0.0) / most; };
  const double step = round_step(most, 6);
  for (double tick = 0; tick <= most * 1.0001; tick += step) {
    svg.line(x_of(tick), top + row_height, x_of(tick), bottom, "faint");
    svg.text(x_of(tick), bottom + 14, fmt::format("{:g}", tick), Anchor::middle);
  }
  double y = top + row_height;
  for (const Bar& bar : bars) {
    svg.text(axis_x - 8, y + 14, bar.name, Anchor::end);
    svg.box(axis_x, y + 3, x_of(bar.value) - axis_x, row_height - 6, bar.colour);
    if (bar.most > bar.least) svg.line(x_of(bar.least), y + 10, x_of(bar.most), y + 10, "whisker");
    svg.text(x_of(std::max(bar.value, bar.most)) + 6, y + 14, bar.words);
    y += row_height;
  }
  return bottom + 2 * row_height;
}

double draw_race(Svg& svg, double y, const Findings& findings) {
  if (findings.race.empty()) return y;
  svg.text(margin, y, "Capture from a live link into a file: CPU time of the whole process, ns per packet",
           Anchor::start, true);
  y += 8;
  for (const std::string& traffic : findings.plan.live_traffics) {
    std::vector<Bar> bars;
    for (const LiveRow& row : findings.race) {
      if (row.traffic != traffic || row.figures.rounds == 0) continue;
      const Spread& cpu = row.figures.cpu_ns_per_packet;
      std::string words = fmt::format("{:.0f}", cpu.median);
      if (const auto lost = row.figures.lost_packets(); lost != 0) {
        words += fmt::format(", lost {:.2g} %",
                             100.0 * static_cast<double>(lost) / static_cast<double>(row.figures.offered_packets));
      }
      bars.push_back({row.contestant, cpu.median, cpu.least, cpu.most, words, colour_of(row.contestant)});
    }
    y = draw_bars(svg, y, frames_text(traffic), bars);
  }
  return y + margin;
}

double draw_rates(Svg& svg, double y, const Findings& findings) {
  if (findings.rates.empty()) return y;
  svg.text(margin, y, "No-drop rate: thousand packets per second without a loss", Anchor::start, true);
  y += 8;
  for (const std::string& traffic : findings.plan.live_traffics) {
    std::vector<Bar> bars;
    for (const RateRow& row : findings.rates) {
      if (row.traffic != traffic || row.trials.empty()) continue;
      const double rate = row.bounds.lossless_per_second / 1e3;
      std::string words = fmt::format("{:.0f}", rate);
      if (row.bounds.lossy_per_second == 0) words += ": all that the sender can send";
      bars.push_back({row.contestant, rate, 0, 0, words, colour_of(row.contestant)});
    }
    y = draw_bars(svg, y, frames_text(traffic), bars);
  }
  return y + margin;
}

/// A logarithmic axis that holds all figures of the table.
class LogAxis {
 public:
  explicit LogAxis(const CopyTable& table) {
    for (const CopyTableRow& row : table.rows) {
      const double value = row.figures.cpu_ns_per_packet.median;
      if (!row.unavailable.empty() || value <= 0) continue;
      least_ = std::min(least_, value);
      most_ = std::max(most_, value);
    }
    least_ = std::pow(10, std::floor(std::log10(least_)));
    most_ = std::pow(10, std::ceil(std::log10(most_)));
  }
  [[nodiscard]] bool is_empty() const { return most_ <= least_; }
  [[nodiscard]] double x_of(double value) const {
    return axis_x + axis_width * std::log(value / least_) / std::log(most_ / least_);
  }
  void draw(Svg& svg, double top, double bottom) const {
    for (double decade = least_; decade <= most_; decade *= 10) {
      for (const int factor : {1, 2, 5}) {
        if (decade * factor > most_) break;
        svg.line(x_of(decade * factor), top, x_of(decade * factor), bottom, "faint");
        svg.text(x_of(decade * factor), bottom + 14, fmt::format("{:g}", decade * factor), Anchor::middle);
      }
    }
  }

 private:
  double least_ = 1e9;
  double most_ = 1;
};

double draw_table(Svg& svg, double y, const Findings& findings) {
  if (!findings.table) return y;
  const LogAxis axis(*findings.table);
  if (axis.is_empty()) return y;
  svg.text(margin, y, "From ring memory into a file: CPU time of the whole process, ns per packet, logarithmic",
           Anchor::start, true);
  y += 22;
  const auto& traffics = findings.plan.table_traffics;
  for (std::size_t index = 0; index < traffics.size(); ++index) {
    const double x = axis_x + 110 * static_cast<double>(index);
    svg.dot(x, y - 4, 5, fmt::format("c{}", index % 6), traffics[index]);
    svg.text(x + 9, y, frames_text(traffics[index]));
  }
  y += 12;
  const double top = y;
  for (const Way& way : ways()) {
    svg.text(axis_x - 8, y + 14, way.name, Anchor::end);
    svg.line(axis_x, y + 10, axis_x + axis_width, y + 10, "faint");
    for (const CopyTableRow& row : findings.table->rows) {
      const double value = row.figures.cpu_ns_per_packet.median;
      if (row.way != &way || !row.unavailable.empty() || value <= 0) continue;
      const auto index = std::find(traffics.begin(), traffics.end(), row.traffic) - traffics.begin();
      svg.dot(axis.x_of(value), y + 10, 5, fmt::format("c{}", index % 6),
              fmt::format("{}, {}: {:.0f} ns", way.name, frames_text(row.traffic), value));
    }
    y += row_height;
  }
  axis.draw(svg, top, y);
  return y + 2 * row_height;
}

}  // namespace

std::string to_svg(const Findings& findings) {
  Svg svg(picture_width);
  double y = 2 * margin;
  y = draw_race(svg, y, findings);
  y = draw_rates(svg, y, findings);
  y = draw_table(svg, y, findings);
  svg.text(margin, y,
           fmt::format("{} x {}, {}; {} on {}; bars: medians, lines: least to most", findings.machine.processors,
                       findings.machine.processor, findings.machine.operating_system, findings.machine.file_system,
                       findings.machine.device));
  return svg.finish(y + margin);
}

}  // namespace ringtail::bench
