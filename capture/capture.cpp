#include "capture.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <poll.h>
#include <utility>

#include "base/affinity.hpp"
#include "base/quiet_thread.hpp"
#include "log.hpp"
#include "share/message.hpp"

namespace ringtail::daemon {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_wait{200};

void wait_for(const base::WakeEvent& bell, milliseconds longest) {
  pollfd readable{.fd = bell.descriptor(), .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, static_cast<int>(longest.count())) > 0) bell.drain();
}

/// One thread runs where the scheduler likes it. Several are spread over the CPUs beside the interface.
std::vector<int> choose_cpus(const CaptureSettings& settings) {
  if (!settings.cpus.empty()) return settings.cpus;
  int node = settings.open.numa_node;
  if (settings.threads == 1 || node == numa_off) return {};
  if (node == numa_automatic) node = base::device_numa_node(settings.devices.front());
  return base::cpus_of_node(node);
}

bool is_full(const Error& error) {
  return error.error_number == ENOSPC || error.error_number == EDQUOT;
}

}  // namespace

// ---- The supervisor's side -----------------------------------------------------------------------------------------

Result<std::unique_ptr<Capture>> Capture::open(const CaptureSettings& settings, Opener& opener) {
  std::unique_ptr<Capture> capture(new Capture(settings, opener));
  if (settings.flight && !settings.flight->trigger.empty()) {
    auto trigger = FlightTrigger::compile(settings.flight->trigger);
    if (!trigger) return tl::unexpected(std::move(trigger.error()));
    capture->trigger_ = std::make_shared<const FlightTrigger>(std::move(*trigger));
  }
  if (!capture->bell_.is_open()) return tl::unexpected(system_error("capture " + settings.name, errno, "eventfd"));
  if (auto links = tpacket::LinkWatch::open()) {
    capture->links_.emplace(std::move(*links));
  } else {
    log(LogLevel::warning, settings.name, links.error().message());
  }
  if (auto opened = capture->open_slots(); !opened) return tl::unexpected(std::move(opened.error()));
  if (auto opened = capture->open_lender(); !opened) return tl::unexpected(std::move(opened.error()));
  return capture;
}

Capture::Capture(const CaptureSettings& settings, Opener& opener)
    : name_(settings.name),
      flight_(settings.flight),
      opener_(opener),
      bell_(base::WakeEvent::create()),
      configured_(settings),
      settings_(settings) {
  for (const std::string& device : settings.devices) slots_.emplace_back().device = device;
}

Capture::~Capture() {
  if (!thread_.joinable()) return;
  abandon();
  stop();
  thread_.join();
}

Result<void> Capture::open_slots() {
  for (Slot& slot : slots_) {
    auto rings = opener_.open(slot.device, open_options(slot.device), settings_.threads);
    if (rings) {
      slot.rings = std::move(*rings);
    } else if (is_missing_interface(rings.error())) {
      log(LogLevel::warning, name_, "waiting for " + slot.device + ": " + rings.error().message());
    } else {
      return tl::unexpected(std::move(rings.error()));
    }
  }
  return {};
}

OpenOptions Capture::open_options(const std::string& device) const {
  OpenOptions options = settings_.open;
  if (settings_.has_writer_threads() && !device.starts_with("dpdk:")) {
    // A source has four batches a block (tpacket::RingReader): with the usual 256 packets, blocks of small packets
    // would use up what a writer may hold of them long before half of the blocks.
    const std::size_t packets = std::min<std::size_t>(options.block_bytes / 1024, 65536);
    options.batch_packets = std::max(options.batch_packets, static_cast<std::uint32_t>(packets));
  }
  options.dpdk.lendable = settings_.share.enabled;
  return options;
}

Result<void> Capture::open_lender() {
  if (!settings_.share.enabled) return {};
  auto lender = Lender::open(name_, settings_.share, settings_.threads);
  if (!lender) return tl::unexpected(std::move(lender.error()));
  lender_ = std::move(*lender);
  return {};
}

void Capture::welcome(base::FileDescriptor socket, const control::Peer& peer) {
  if (lender_) return lender_->welcome(std::move(socket), peer);
  share::send_refusal(socket.get(), "this capture lends no packets");
}

/// Null where there is none.
Result<std::shared_ptr<store::StorageDirectory>> Capture::open_storage(const store::StorageOptions& options) const {
  if (options.directory.empty()) return nullptr;
  auto storage = store::StorageDirectory::open(options);
  if (!storage) return storage;
  for (const store::Leftover& leftover : (*storage)->leftovers()) {
    log(LogLevel::warning, name_,
        fmt::format(
            "finished {}, which an earlier run had left: {} packets, {} torn bytes cut off, {} bytes of holes filled",
            leftover.name, leftover.packets, leftover.cut_bytes, leftover.filled_bytes));
  }
  return storage;
}

/// As the settings say.
void Capture::use_storage(std::shared_ptr<store::StorageDirectory> storage) {
  const bool compresses = storage && settings_.storage.compression == store::Compression::zstd;
  if (!compresses || storage != storage_) compressor_.reset();
  if (compresses && !compressor_) {
    const auto complain = [name = name_](const Error& error) { log(LogLevel::error, name, error.message()); };
    compressor_ = std::make_unique<store::Compressor>(storage, complain);
  }
  if (storage) storage->change_quota(settings_.storage.quota);
  {
    const std::lock_guard lock(mutex_);
    storage_ = std::move(storage);
  }
  if (storage_) look_after_quota();
}

Result<void> Capture::start() {
  auto storage = open_storage(settings_.storage);
  if (!storage) return tl::unexpected(std::move(storage.error()));
  use_storage(std::move(*storage));
  if (auto made = make_workers(); !made) return made;
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    Order order{.kind = Order::Kind::install, .slots = slots_of(worker)};
    if (settings_.writes_files()) {
      auto output = Output::open(order.slots, output_options(settings_, storage_, ""));
      if (!output && !is_full(output.error())) return tl::unexpected(std::move(output.error()));
      if (!output) note(output.error().message());
      if (output) order.output = std::move(*output);
    }
    has_output_[worker] = order.output != nullptr;
    workers_[worker]->start();
    (void)tell(worker, std::move(order));
  }
  if (lender_) lender_->start();
  thread_ = base::start_quiet_thread([this] { run(); });
  return {};
}

Result<void> Capture::make_workers() {
  const std::vector<int> cpus = choose_cpus(settings_);
  std::optional<ring::TimeOrder::Options> order;
  if (settings_.ordered && settings_.writes_files()) {
    // A packet may lie in a block that is not full for two timeouts: the timer may just have passed when it came.
    order.emplace().patience = 2 * settings_.open.retire_timeout + milliseconds(50);
    if (settings_.has_writer_threads()) order->ring_parts = 4;  // of the half that a writer may hold, half
  }
  for (std::size_t worker = 0; worker < settings_.threads; ++worker) {
    std::optional<int> cpu;
    if (!cpus.empty()) cpu = cpus[worker % cpus.size()];
    WorkerDuty duty{.writes_files = settings_.writes_files(), .order = order};
    if (lender_) duty.lending.emplace(*lender_, worker, slots_.size());
    if (settings_.has_writer_threads()) {
      auto way = open_way_to_writer();
      if (!way) return tl::unexpected(std::move(way.error()));
      duty.way_to_writer = std::move(*way);
      duty.writes_apart = settings_.writes_apart();
    }
    if (flight_) {
      duty.flight = std::make_unique<FlightRecorder>(slots_.size(), flight_limits(settings_), trigger_, bell_);
    }
    workers_.push_back(std::make_unique<Worker>(slots_.size(), bell_, cpu, std::move(duty)));
    has_output_.push_back(false);
  }
  return {};
}

void Capture::request(const control::Request& request, Reply reply) {
  post([this, request, reply = std::move(reply)] { carry_out(request, reply); });
}

void Capture::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  bell_.signal();
}

void Capture::abandon() {
  for (const auto& worker : workers_) worker->abandon();
}

void Capture::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  bell_.signal();
}

// ---- The manager's thread ------------------------------------------------------------------------------------------

void Capture::run() {
  for (;;) {
    wait_for_something();
    while (run_next_task()) continue;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    look_after();
  }
  finish();
  while (run_next_task()) continue;
  ended_.store(true, std::memory_order_release);  // pairs with has_ended()
}

bool Capture::run_next_task() {
  std::unique_lock lock(mutex_);
  if (tasks_.empty()) return false;
  const std::function<void()> task = std::move(tasks_.front());
  tasks_.pop_front();
  lock.unlock();
  task();
  return true;
}

void Capture::carry_out(const control::Request& request, const Reply& reply) {
  const auto name = std::string(control::name_of(request.operation));
  if (finished_) return reply({.error = "the capture has ended"});
  switch (request.operation) {
    case control::Operation::pause:
      tell_all(Order::Kind::pause);
      break;
    case control::Operation::resume:
      tell_all(Order::Kind::resume);
      break;
    case control::Operation::rotate:
      tell_all(Order::Kind::rotate);
      break;
    case control::Operation::filter:
      if (auto changed = change_filter(request.filter); !changed) return reply({.error = changed.error().message()});
      break;
    case control::Operation::dump:
    case control::Operation::stat:
    case control::Operation::reload:
    case control::Operation::stop:
      return reply({.error = name + " is no request for a single capture"});
  }
  log(LogLevel::info, name_, "done: " + name + (request.filter.empty() ? "" : " '" + request.filter + "'"));
  reply({});
}

std::unique_ptr<Order> Capture::tell(std::size_t worker, Order order) {
  auto letter = std::make_unique<Order>(std::move(order));
  (void)workers_[worker]->order(letter);  // every order is waited for, so the box is empty
  for (;;) {
    if (auto answer = workers_[worker]->answer()) return answer;
    wait_for(bell_, longest_wait);
  }
}

void Capture::tell_all(Order::Kind kind) {
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) (void)tell(worker, {.kind = kind});
}

Result<void> Capture::change_filter(const std::string& filter) {
  OpenOptions open = settings_.open;
  open.filter = filter;
  for (const Slot& slot : slots_) {
    if (auto checked = opener_.check_filter(slot.device, open); !checked) return checked;
  }
  {
    const std::lock_guard lock(mutex_);
    settings_.open = open;
  }
  exchange_sources("the filter was changed");
  return {};
}

void Capture::finish() {
  for (const Slot& slot : slots_) {
    for (const auto& ring : slot.rings) ring->stop();
  }
  for (std::size_t worker = 0; worker < workers_.size(); ++worker) {
    auto answer = tell(worker, {.kind = Order::Kind::finish});
    finish_output(*answer);
  }
  if (lender_) lender_->end();
  finished_ = true;
  compressor_.reset();
  const control::CaptureStatus account = status();
  if (flight_) {
    return log(
        LogLevel::info, name_,
        fmt::format("ended: {} delivered = {} dumped + {} expired + {} dropped by the writer + {} discarded while "
                    "paused; {} dumps",
                    account.delivered, account.recorded.written_packets, account.flight.expired_packets,
                    account.recorded.dropped_writer, account.discarded_paused, account.flight.dumps));
  }
  if (!settings_.writes_files()) {
    return log(LogLevel::info, name_, fmt::format("ended: {} delivered, nothing to be written", account.delivered));
  }
  log(LogLevel::info, name_,
      fmt::format("ended: {} delivered = {} written + {} dropped by the writer + {} discarded while paused; {} files",
                  account.delivered, account.recorded.written_packets, account.recorded.dropped_writer,
                  account.discarded_paused, account.recorded.files_total));
}

}  // namespace ringtail::daemon
