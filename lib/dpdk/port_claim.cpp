#include "dpdk/port_claim.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

namespace ringtail::dpdk {

namespace {

enum class Queue : std::uint8_t { free, read, ended };

struct OpenPort {
  std::unique_ptr<Port> port;
  std::vector<Queue> queues;
};

struct OpenPorts {
  std::mutex mutex;  // also around everything DPDK does to open and close a device
  std::map<std::string, OpenPort> by_name;
};

OpenPorts& open_ports() {
  static auto* ports = new OpenPorts;  // never destroyed: a batch may be released during the end of the program
  return *ports;
}

// The port of a claim is open as long as the claim lives.
auto find(OpenPorts& ports, const Port& port) {
  return std::find_if(ports.by_name.begin(), ports.by_name.end(),
                      [&port](const auto& entry) { return entry.second.port.get() == &port; });
}

bool holds(const std::vector<Queue>& queues, Queue state) {
  return std::find(queues.begin(), queues.end(), state) != queues.end();
}

Error claim_error(const DeviceText& text, const std::string& reason, const std::string& remedy) {
  return make_error("open dpdk:" + text.name, reason, remedy);
}

}  // namespace

Result<PortClaim> PortClaim::open(const DeviceText& text, const OpenOptions& options) {
  const std::uint16_t wanted_queues = options.dpdk.queues;
  if (options.dpdk.queue && *options.dpdk.queue >= wanted_queues) {
    return tl::unexpected(usage_error(
        "open dpdk:" + text.name,
        "queue " + std::to_string(*options.dpdk.queue) + " of " + std::to_string(wanted_queues) + " is wanted",
        "queues are counted from 0"));
  }
  OpenPorts& ports = open_ports();
  const std::lock_guard lock(ports.mutex);
  auto found = ports.by_name.find(text.name);
  if (found == ports.by_name.end()) {
    auto port = Port::open(text, options);
    if (!port) return tl::unexpected(port.error());
    found = ports.by_name.emplace(text.name, OpenPort{std::move(*port), std::vector(wanted_queues, Queue::free)}).first;
  }

  OpenPort& open_port = found->second;
  if (open_port.queues.size() != wanted_queues) {
    return tl::unexpected(claim_error(text, "it is open with " + std::to_string(open_port.queues.size()) + " queues",
                                      "give every source of a port the same number of queues"));
  }
  const std::string& offloaded = open_port.port->offloaded_filter();
  if ((text.flow_rules || !offloaded.empty()) && offloaded != options.filter) {
    return tl::unexpected(claim_error(text, "the device itself filters for another source of this process",
                                      "give every source of a port the same filter, or leave out rules:"));
  }
  const std::uint16_t first = options.dpdk.queue.value_or(0);
  const std::uint16_t count = options.dpdk.queue ? 1 : wanted_queues;
  const auto begin = open_port.queues.begin() + first;
  if (std::any_of(begin, begin + count, [](Queue queue) { return queue != Queue::free; })) {
    return tl::unexpected(claim_error(text, "another source of this process reads it",
                                      "close that one, or read a queue each (DpdkOptions::queue)"));
  }
  std::fill_n(begin, count, Queue::read);
  return PortClaim(*open_port.port, first, count);
}

bool PortClaim::leave() noexcept {
  std::vector<Queue>& queues = find(open_ports(), *port_)->second.queues;
  std::fill_n(queues.begin() + first_queue_, queue_count_, Queue::ended);
  return !holds(queues, Queue::read);
}

void PortClaim::end() noexcept {
  const std::lock_guard lock(open_ports().mutex);
  if (leave()) port_->end_counters();
}

void PortClaim::stop() noexcept {
  const std::lock_guard lock(open_ports().mutex);
  if (leave()) port_->stop();
}

PortClaim::~PortClaim() {
  if (port_ == nullptr) return;
  OpenPorts& ports = open_ports();
  const std::lock_guard lock(ports.mutex);
  const auto found = find(ports, *port_);
  std::vector<Queue>& queues = found->second.queues;
  std::fill_n(queues.begin() + first_queue_, queue_count_, Queue::free);
  if (!holds(queues, Queue::read) && !holds(queues, Queue::ended)) ports.by_name.erase(found);
}

}  // namespace ringtail::dpdk
