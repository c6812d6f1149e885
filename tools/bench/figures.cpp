#include "bench/figures.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace ringtail::bench {

namespace {

double as_double(std::uint64_t value) {
  return static_cast<double>(value);
}

/// 0 where there is nothing to divide by: a contestant that captured nothing has no figures, only losses.
double ratio(double value, double by) {
  return by > 0 ? value / by : 0;
}

double switches(const RunAccount& run) {
  return as_double(run.usage.voluntary_switches + run.usage.involuntary_switches);
}

/// The median of one account of several runs.
template <typename Read>
double median_of(const std::vector<RunAccount>& runs, Read read) {
  std::vector<double> values;
  for (const RunAccount& run : runs) values.push_back(static_cast<double>(read(run)));
  return spread_of(std::move(values)).median;
}

std::uint64_t as_count(double value) {
  return static_cast<std::uint64_t>(value);
}

}  // namespace

RunAccount typical_idle(const std::vector<RunAccount>& runs) {
  RunAccount typical = runs.front();
  typical.usage.cpu_ns = median_of(runs, [](const RunAccount& run) { return run.usage.cpu_ns; });
  typical.usage.voluntary_switches =
      as_count(median_of(runs, [](const RunAccount& run) { return run.usage.voluntary_switches; }));
  typical.usage.involuntary_switches =
      as_count(median_of(runs, [](const RunAccount& run) { return run.usage.involuntary_switches; }));
  typical.machine_cpu_ns = median_of(runs, [](const RunAccount& run) { return run.machine_cpu_ns; });
  return typical;
}

Figures FigureCollector::finish() const {
  Figures figures;
  std::vector<double> cpu;
  std::vector<double> switched;
  std::vector<double> speed;
  RunAccount sum;
  for (const RunAccount& run : rounds_) {
    const double packets = as_double(run.captured_packets);
    cpu.push_back(ratio(run.usage.cpu_ns - idle_.usage.cpu_ns, packets));
    switched.push_back(ratio(1000 * std::max(0.0, switches(run) - switches(idle_)), packets));
    speed.push_back(ratio(as_double(run.file.bytes) / 1e9, run.seconds));
    sum.offered_packets += run.offered_packets;
    sum.captured_packets += run.captured_packets;
    sum.captured_bytes += run.captured_bytes;
    sum.user_copied_bytes += run.user_copied_bytes;
    sum.machine_cpu_ns += run.machine_cpu_ns - idle_.machine_cpu_ns;
    sum.file.bytes += run.file.bytes;
    sum.file.cached_bytes += run.file.cached_bytes;
    figures.largest_resident_bytes = std::max(figures.largest_resident_bytes, run.usage.largest_resident_bytes);
  }
  const double kernel_copied = writes_into_page_cache_ ? 0 : as_double(sum.file.cached_bytes);
  figures.rounds = rounds_.size();
  figures.offered_packets = sum.offered_packets;
  figures.captured_packets = sum.captured_packets;
  figures.cpu_ns_per_packet = spread_of(std::move(cpu));
  figures.machine_cpu_ns_per_packet = ratio(sum.machine_cpu_ns, as_double(sum.captured_packets));
  figures.copies_per_byte = 1 + ratio(as_double(sum.user_copied_bytes) + kernel_copied, as_double(sum.captured_bytes));
  figures.switches_per_1000 = spread_of(std::move(switched)).median;
  figures.file_bytes_per_byte = ratio(as_double(sum.file.bytes), as_double(sum.captured_bytes));
  figures.cached_per_file_byte = ratio(as_double(sum.file.cached_bytes), as_double(sum.file.bytes));
  figures.file_gb_per_second = spread_of(std::move(speed));
  if (counted_ && counted_->system_calls && idle_.system_calls) {
    const double calls = as_double(*counted_->system_calls) - as_double(*idle_.system_calls);
    figures.system_calls_per_1000 = ratio(1000 * std::max(0.0, calls), as_double(counted_->captured_packets));
  }
  return figures;
}

}  // namespace ringtail::bench
