// ringtail count: the smallest analyzer. Read it to see how a program gets its packets.
#include <cinttypes>

#include <ringtail/ringtail.hpp>

#include "base/deadline.hpp"
#include "command_line.hpp"
#include "devices.hpp"
#include "packet_budget.hpp"
#include "signals.hpp"
#include "summary.hpp"
#include "values.hpp"

namespace ringtail::tools {
namespace {

using namespace std::chrono_literals;

struct CountOptions {
  std::string device;  ///< empty: the first interface that is not loopback
  std::vector<std::string> filter_words;
  std::optional<std::uint64_t> most_packets;
  std::chrono::nanoseconds duration{-1};  ///< negative: until a signal comes
  std::string json_path;
  bool busy_poll = false;
  DpdkOptions dpdk;
};

std::optional<int> read_options(Arguments arguments, CountOptions& options) {
  CLI::App app("Count packets and the bytes they had on the wire.", "ringtail count");
  describe(app, "  ringtail count -i eth0 -a duration:10 tcp port 443\n");
  app.add_option("-i,--interface", options.device, "eth0, any, file:PATH, dpdk:ARGS ...");
  app.add_option("-f,--filter,filter", options.filter_words, "pcap-filter text; words behind the options work too");
  app.add_option("-c", options.most_packets, "stop after exactly this many packets")->check(CLI::PositiveNumber);
  const auto set_end = [&](const std::string& text) { options.duration = value_or_throw(parse_duration("-a", text)); };
  app.add_option_function<std::string>("-a,--autostop", set_end, "duration:S: stop after so many seconds");
  app.add_option("--json", options.json_path, "write the summary here at exit; - is stdout");
  add_dpdk_options(app, options.dpdk);
  add_busy_poll(app, options.busy_poll);
  return parse_command_line(app, arguments);
}

/// The analyzer itself.
std::uint64_t count_bytes(Source& source, const CountOptions& options) {
  const InterruptOnSignal interrupt(source);  // Ctrl-C wakes receive()
  auto deadline = base::Deadline::after(options.duration);
  PacketBudget budget(options.most_packets);
  std::uint64_t bytes = 0;
  while (!budget.is_exhausted()) {
    auto [status, batch] = source.receive(deadline.remaining(100ms));
    if (status == ReceiveStatus::end_of_stream) break;
    if (status == ReceiveStatus::interrupted || deadline.has_passed()) {
      source.stop();  // nothing more comes in; receive() hands out what is there
      deadline = base::Deadline::never();
    }
    batch.keep_first(budget.take(batch.size()));
    for (const PacketView packet : batch) bytes += packet.wire_length();
    // The batch ends here: its memory goes back.
  }
  source.stop();  // packets beyond a limit stay unread
  return bytes;
}

}  // namespace

int run_count(Arguments arguments) {
  CountOptions options;
  if (const auto status = read_options(arguments, options)) return *status;
  auto json = SummaryOutput::open(options.json_path);
  if (!json) return report(json.error());
  auto source = resolve_device(options.device).and_then([&](const std::string& device) {
    constexpr std::uint32_t snaplen = 64;  // lengths are all we look at
    return open(device, {.filter = join_words(options.filter_words),
                         .snaplen = snaplen,
                         .busy_poll = options.busy_poll,
                         .dpdk = options.dpdk});
  });
  if (!source) return conclude({.error = source.error()}, *json);

  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t bytes = count_bytes(*source, options);
  const Summary summary = summarize(*source, begin);
  if (options.json_path != "-") std::printf("%" PRIu64 " packets, %" PRIu64 " bytes\n", summary.delivered(), bytes);
  return conclude(summary, *json);
}

}  // namespace ringtail::tools
