// An analyzer with bad habits: it is slow, or holds many batches and gives them back on another thread and out of
// order. Judges the numbered frames it saw and prints its source's books as JSON when SIGINT ends it.
//
//   analyzer -i rx0 --count 1000000 --packet-ns 2000
//   analyzer -i rx0 --count 1000000 --hold 40
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <ringtail/ringtail.hpp>

#include "numbered_tally.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;
using namespace std::chrono_literals;

struct Habits {
  std::string device;
  std::uint64_t count = 0;
  std::size_t hold = 0;         ///< batches kept until there are so many
  std::uint64_t packet_ns = 0;  ///< time spent on each packet
  std::uint64_t buffer_MiB = 64;
  std::uint64_t retire_ms = 100;
  ringtail::OpenOptions open;
};

volatile std::sig_atomic_t asked_to_end = 0;

void note_end(int) {
  asked_to_end = 1;
}

void spend(nanoseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

/// Gives the batches back on a thread of their own, the odd ones first.
void release_elsewhere(std::vector<ringtail::Batch>& held) {
  std::thread([batches = std::exchange(held, {})]() mutable {
    for (std::size_t index = 1; index < batches.size(); index += 2) batches[index].reset();
  }).join();
}

ringtail::integration::NumberedTally analyze(ringtail::Source& source, const Habits& habits) {
  ringtail::integration::NumberedTally tally({.first = 0, .step = 1, .count = habits.count});
  std::vector<ringtail::Batch> held;
  for (bool stopped = false;;) {
    if (asked_to_end != 0 && !std::exchange(stopped, true)) source.stop();
    auto [status, batch] = source.receive(20ms);
    if (status == ringtail::ReceiveStatus::end_of_stream) return tally;
    if (status == ringtail::ReceiveStatus::no_credit) release_elsewhere(held);
    for (const ringtail::PacketView packet : batch) tally.add(packet.bytes(), packet.wire_length());
    spend(nanoseconds(habits.packet_ns * batch.size()));
    if (habits.hold == 0 || batch.empty()) continue;
    held.push_back(std::move(batch));
    if (held.size() == habits.hold) release_elsewhere(held);
  }
}

nlohmann::ordered_json books_of(const ringtail::Source& source) {
  const ringtail::Stats stats = source.stats();
  return {{"received", stats.received},
          {"delivered", stats.delivered},
          {"dropped_ring", stats.dropped_ring},
          {"unread", stats.unread},
          {"dropped_interface", stats.dropped_interface},
          {"freezes", stats.freezes}};
}

int run(const Habits& habits) {
  auto source = ringtail::open(habits.device, habits.open);
  if (!source) {
    std::fprintf(stderr, "analyzer: %s\n", source.error().message().c_str());
    return 1;
  }
  std::signal(SIGINT, note_end);
  std::puts("ready");
  std::fflush(stdout);
  auto verdict = analyze(*source, habits).to_json();
  verdict["books"] = books_of(*source);
  std::printf("%s\n", verdict.dump().c_str());
  return source->failure() == nullptr ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A slow or greedy analyzer.");
  Habits habits;
  app.add_option("-i", habits.device)->required();
  app.add_option("--count", habits.count, "numbers sent");
  app.add_option("--hold", habits.hold, "batches held before they are given back");
  app.add_option("--packet-ns", habits.packet_ns, "time spent on a packet");
  app.add_option("--filter", habits.open.filter);
  app.add_option("--buffer", habits.buffer_MiB, "ring, MiB");
  app.add_option("--retire", habits.retire_ms, "retire timeout, ms");
  CLI11_PARSE(app, argc, argv);
  habits.open.buffer_bytes = static_cast<std::size_t>(habits.buffer_MiB) << 20;
  habits.open.retire_timeout = std::chrono::milliseconds(habits.retire_ms);
  return run(habits);
}
