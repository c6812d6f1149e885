// ringtail send: frames into an interface, from a file or made here.
#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "open_transmitter.hpp"
#include "send_loop.hpp"
#include "signals.hpp"
#include "summary.hpp"
#include "values.hpp"
#include "version.hpp"

namespace ringtail::tools {

namespace {

constexpr std::chrono::seconds longest_link_wait{5};
constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr const char* longer_frames_remedy = "raise the MTU (of dpdk: ports with --mtu)";

struct SendOptions {
  std::string device;
  std::string path;  ///< empty: frames are generated
  std::uint64_t rounds = 1;
  GeneratedTraffic traffic;
  SendLimits limits;
  std::string json_path;
  OpenOptions open;
};

std::optional<int> read_options(Arguments arguments, SendOptions& options) {
  CLI::App app("Send frames: the packets of a file, or made here.", "ringtail send");
  describe(app,
           "  ringtail send -i eth0 -r web.pcapng\n"
           "  ringtail send -i eth0 --size 128 --rate 10000 -c 1000000\n"
           "  ringtail send -i dpdk:0000:03:00.0 --flows 1000 -a duration:10\n");
  app.add_option("-i,--interface", options.device, "eth0, dpdk:ARGS")->required();
  app.add_option("-r,--read", options.path, "replay this pcap or pcapng file");
  app.add_option("--loop", options.rounds, "replay it so many times")->check(CLI::PositiveNumber);
  app.add_option("--size", options.traffic.frame_bytes, "bytes of each frame made here (default 64)")
      ->check(CLI::Range(smallest_generated_bytes, 65000U));
  app.add_option("--flows", options.traffic.flows, "UDP source ports, in turn (default 1)")
      ->check(CLI::Range(1, 50000));
  app.add_option("-c", options.limits.frames, "send exactly this many")->check(CLI::PositiveNumber);
  const auto set_rate = [&](const std::string& text) {
    options.limits.frames_per_second = value_or_throw(parse_decimal("--rate", text, 1e9));
  };
  app.add_option_function<std::string>("--rate", set_rate, "frames per second (default: as fast as it goes)");
  const auto set_end = [&](const std::string& text) {
    options.limits.duration = value_or_throw(parse_duration("-a", text));
  };
  app.add_option_function<std::string>("-a,--autostop", set_end, "duration:S: stop after so many seconds");
  const auto set_memory = [&](const std::string& text) {
    options.open.buffer_bytes = value_or_throw(parse_whole("-B", text, 1, 1 << 20)) * mebibyte;
  };
  app.add_option_function<std::string>("-B,--buffer-size", set_memory, "MiB of memory of a dpdk: port (default 64)");
  app.add_option("--json", options.json_path, "write the account here at exit; - is stdout");
  add_dpdk_options(app, options.open.dpdk);
  return parse_command_line(app, arguments);
}

std::string to_json(const std::string& device, const SendAccount& account) {
  const nlohmann::ordered_json json = {
      {"version", version()},
      {"elapsed_seconds", account.elapsed_seconds},
      {"interface", device},
      {"sent_packets", account.sent_packets},
      {"sent_bytes", account.sent_bytes},
      {"too_long", account.too_long},
      {"queue_full", account.queue_full},
      {"error", account.error ? nlohmann::ordered_json(account.error->message()) : nlohmann::ordered_json(nullptr)},
  };
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<std::unique_ptr<FrameSupply>> open_supply(const SendOptions& options) {
  if (!options.path.empty()) return replay_frames(options.path, options.rounds);
  return generate_frames(options.traffic);
}

SendAccount open_and_send(SendOptions& options) {
  const auto failed = [](const Error& error) { return SendAccount{.error = error}; };
  auto supply = open_supply(options);
  if (!supply) return failed(supply.error());
  options.open.dpdk.link_wait = longest_link_wait;
  auto device = open_transmitter(options.device, options.open);
  if (!device) return failed(device.error());
  const std::uint32_t longest = (*device)->longest_frame_bytes();
  if (options.path.empty() && options.traffic.frame_bytes > longest) {
    return failed(make_error("send into " + options.device,
                             "frames of at most " + std::to_string(longest) + " bytes fit its MTU",
                             longer_frames_remedy));
  }
  auto signals = SignalQueue::create();
  if (!signals) return failed(signals.error());
  return send_frames(**supply, **device, options.limits, [&signals] {
    const auto signal = signals->next();
    return signal && *signal != SIGUSR1;
  });
}

}  // namespace

int run_send(Arguments arguments) {
  SendOptions options;
  if (const auto status = read_options(arguments, options)) return *status;
  auto output = SummaryOutput::open(options.json_path);
  if (!output) return report(output.error());
  const SendAccount account = open_and_send(options);
  if (options.json_path != "-" && !account.error) {
    std::printf("%" PRIu64 " packets, %" PRIu64 " bytes\n", account.sent_packets, account.sent_bytes);
  }
  if (account.too_long > 0) {
    warn(std::to_string(account.too_long) + " frames of more than " + std::to_string(account.longest) +
         " bytes were left out; " + longer_frames_remedy);
  }
  const int status = account.error ? report(*account.error) : exit_done;
  const auto written = output->write(to_json(options.device, account));
  return written ? status : report(written.error());
}

}  // namespace ringtail::tools
