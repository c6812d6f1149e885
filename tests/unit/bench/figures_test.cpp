#include "bench/figures.hpp"

#include <gmock/gmock.h>

namespace ringtail::bench {
namespace {

using testing::DoubleEq;
using testing::Optional;

TEST(Spread, IsMedianLeastAndMost) {
  const Spread odd = spread_of({5, 1, 9});
  EXPECT_EQ(odd.median, 5);
  EXPECT_EQ(odd.least, 1);
  EXPECT_EQ(odd.most, 9);
  EXPECT_EQ(spread_of({4, 1, 2, 9}).median, 3);
  EXPECT_EQ(spread_of({}).median, 0);
}

/// 1,000 packets of 100 bytes.
RunAccount make_run(double cpu_ns) {
  RunAccount run;
  run.offered_packets = 1000;
  run.captured_packets = 1000;
  run.captured_bytes = 100'000;
  run.user_copied_bytes = 50'000;
  run.usage.cpu_ns = cpu_ns;
  run.usage.voluntary_switches = 30;
  run.usage.largest_resident_bytes = 7;
  run.machine_cpu_ns = 2 * cpu_ns;
  run.seconds = 0.5;
  run.file = {.bytes = 120'000, .cached_bytes = 60'000};
  return run;
}

RunAccount make_idle() {
  RunAccount idle;
  idle.usage.cpu_ns = 100'000;
  idle.usage.voluntary_switches = 10;
  idle.machine_cpu_ns = 100'000;
  return idle;
}

TEST(Figures, AreWithoutTheIdleRunAndByCapturedPackets) {
  FigureCollector collector;
  collector.set_idle(make_idle());
  for (const double cpu_ns : {1'100'000, 600'000, 3'100'000}) collector.add_round(make_run(cpu_ns));
  const Figures figures = collector.finish();
  EXPECT_EQ(figures.rounds, 3U);
  EXPECT_THAT(figures.cpu_ns_per_packet.median, DoubleEq(1000));
  EXPECT_THAT(figures.cpu_ns_per_packet.least, DoubleEq(500));
  EXPECT_THAT(figures.cpu_ns_per_packet.most, DoubleEq(3000));
  EXPECT_THAT(figures.machine_cpu_ns_per_packet, DoubleEq((2 * 4'800'000 - 300'000) / 3000.0));
  EXPECT_THAT(figures.switches_per_1000, DoubleEq(20));
  EXPECT_THAT(figures.file_bytes_per_byte, DoubleEq(1.2));
  EXPECT_THAT(figures.cached_per_file_byte, DoubleEq(0.5));
  EXPECT_THAT(figures.file_gb_per_second.median, DoubleEq(0.00024));
  EXPECT_EQ(figures.largest_resident_bytes, 7U);
  EXPECT_EQ(figures.lost_packets(), 0);
}

TEST(TypicalIdle, IsNotMisledByAStartThatHadToWaitForMemory) {
  RunAccount slow = make_idle();
  slow.usage.cpu_ns = 400'000'000;
  slow.usage.voluntary_switches = 500;
  slow.machine_cpu_ns = 900'000'000;
  const RunAccount typical = typical_idle({slow, make_idle(), make_idle()});
  EXPECT_EQ(typical.usage.cpu_ns, 100'000);
  EXPECT_EQ(typical.usage.voluntary_switches, 10U);
  EXPECT_EQ(typical.machine_cpu_ns, 100'000);
}

TEST(Figures, CountTheKernelsCopiesTheProcessesAndTheOneIntoThePageCache) {
  FigureCollector by_write;
  by_write.add_round(make_run(1));
  EXPECT_THAT(by_write.finish().copies_per_byte, DoubleEq(1 + 0.5 + 0.6));
  FigureCollector by_map(true);
  by_map.add_round(make_run(1));
  EXPECT_THAT(by_map.finish().copies_per_byte, DoubleEq(1 + 0.5));
}

TEST(Figures, DivideByWhatWasCapturedAndTellTheLoss) {
  FigureCollector collector;
  RunAccount lossy = make_run(500'000);
  lossy.offered_packets = 2000;
  lossy.captured_packets = 500;
  collector.add_round(lossy);
  const Figures figures = collector.finish();
  EXPECT_THAT(figures.cpu_ns_per_packet.median, DoubleEq(1000));
  EXPECT_EQ(figures.lost_packets(), 1500);
}

TEST(Figures, OfSystemCallsComeFromTheCountedRunsAlone) {
  FigureCollector collector;
  collector.add_round(make_run(1));
  EXPECT_EQ(collector.finish().system_calls_per_1000, std::nullopt);
  RunAccount idle = make_idle();
  idle.system_calls = 40;
  RunAccount counted = make_run(1'000'000'000);
  counted.system_calls = 60;
  collector.set_idle(idle);
  collector.set_counted(counted);
  EXPECT_THAT(collector.finish().system_calls_per_1000, Optional(DoubleEq(20)));
}

TEST(Figures, OfAContestantThatCapturedNothingAreOnlyLosses) {
  FigureCollector collector;
  RunAccount nothing;
  nothing.offered_packets = 10;
  nothing.usage.cpu_ns = 5;
  collector.add_round(nothing);
  const Figures figures = collector.finish();
  EXPECT_EQ(figures.cpu_ns_per_packet.median, 0);
  EXPECT_EQ(figures.lost_packets(), 10);
}

}  // namespace
}  // namespace ringtail::bench
