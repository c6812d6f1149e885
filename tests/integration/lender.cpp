// Captures on an interface and lends what it captures to whoever attaches, as the daemon will. Prints its own books as
// JSON when SIGINT ends it.
//
//   lender -i rx0 --name test
#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <string>
#include <vector>

#include <ringtail/ringtail.hpp>

#include "share/publisher.hpp"

namespace {

using namespace std::chrono_literals;
using ringtail::share::Publisher;

constexpr int look_interval_ms = 10;  // for clients that hold on for too long, and for losses

volatile std::sig_atomic_t asked_to_end = 0;

void note_end(int) {
  asked_to_end = 1;
}

/// Until the source has ended.
void lend(ringtail::Source& source, Publisher& publisher) {
  pollfd descriptors[] = {{.fd = source.pollable_descriptor(), .events = POLLIN, .revents = 0},
                          {.fd = publisher.pollable_descriptor(), .events = POLLIN, .revents = 0}};
  const std::vector<std::uint16_t> ids = {*publisher.add_interface(source.interface(0))};
  for (bool stopped = false;;) {
    if (asked_to_end != 0 && !std::exchange(stopped, true)) source.stop();
    const auto [status, batch] = source.receive(0ns);
    if (status == ringtail::ReceiveStatus::end_of_stream) return;
    if (!batch.empty()) {
      publisher.publish(batch, ids);
      continue;
    }
    publisher.report_losses(source.stats());
    publisher.serve();
    (void)::poll(descriptors, 2, look_interval_ms);
  }
}

int run(const std::string& device, const std::string& name, int hold_limit_ms) {
  auto source = ringtail::open(device);
  auto publisher = Publisher::create({.name = name, .hold_limit = std::chrono::milliseconds(hold_limit_ms)});
  if (!source || !publisher) {
    std::fprintf(stderr, "lender: %s\n", (source ? publisher.error() : source.error()).message().c_str());
    return 1;
  }
  std::signal(SIGINT, note_end);
  std::puts("ready");
  std::fflush(stdout);
  lend(*source, *publisher);
  const ringtail::Stats books = source->stats();
  publisher->report_losses(books);
  const ringtail::share::PublisherStats& stats = publisher->stats();
  const nlohmann::ordered_json account = {{"received", books.received},      {"delivered", books.delivered},
                                          {"admitted", stats.admitted},      {"clients", stats.clients},
                                          {"evicted", stats.evicted},        {"broken", stats.broken},
                                          {"skipped", stats.skipped_packets}};
  std::printf("%s\n", account.dump().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Lends what it captures.");
  std::string device;
  std::string name = "test";
  int hold_limit_ms = 2000;
  app.add_option("-i", device)->required();
  app.add_option("--name", name);
  app.add_option("--hold-limit", hold_limit_ms, "ms until a client that hangs is evicted");
  CLI11_PARSE(app, argc, argv);
  return run(device, name, hold_limit_ms);
}
