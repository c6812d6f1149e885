#include "opener.hpp"

#include <cerrno>
#include <future>
#include <utility>

#include "base/quiet_thread.hpp"
#include "filter/compile.hpp"

namespace ringtail::daemon {

namespace {

bool is_dpdk(const std::string& device) {
  return device.starts_with("dpdk:");
}

Result<std::vector<Source>> open_members(const std::string& device, OpenOptions options, std::uint16_t members) {
  if (members > 1 && !is_dpdk(device)) return open_fanout(device, options, members);
  std::vector<Source> sources;
  if (is_dpdk(device)) options.dpdk.queues = members;
  for (std::uint16_t member = 0; member < members; ++member) {
    if (is_dpdk(device) && members > 1) options.dpdk.queue = member;
    auto source = open(device, options);
    if (!source) return tl::unexpected(std::move(source.error()));
    sources.push_back(std::move(*source));
  }
  return sources;
}

Result<std::uint16_t> link_type_of(const std::string& device) {
  const auto devices = list_devices();
  if (!devices) return tl::unexpected(devices.error());
  for (const DeviceDescription& each : *devices) {
    if (each.interface.name == device) return each.interface.link_type;
  }
  return link_type::ethernet;  // it is away; what makes sense on most links may make sense on this one
}

}  // namespace

bool is_missing_interface(const Error& error) noexcept {
  return error.error_number == ENODEV || error.error_number == ENXIO || error.error_number == ENETDOWN;
}

Opener::Opener() {
  thread_ = base::start_quiet_thread([this] { serve(); });
}

Opener::~Opener() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Opener::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !work_.empty(); });
    if (work_.empty()) return;
    const std::function<void()> work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

void Opener::run(const std::function<void()>& work) {
  std::promise<void> done;
  {
    const std::lock_guard lock(mutex_);
    work_.emplace_back([&] {
      work();
      done.set_value();
    });
  }
  wake_.notify_one();
  done.get_future().wait();
}

Result<std::vector<std::shared_ptr<Source>>> Opener::open(const std::string& device, const OpenOptions& options,
                                                          std::uint16_t members) {
  Result<std::vector<std::shared_ptr<Source>>> rings;
  run([&] {
    auto opened = open_members(device, options, members);
    if (!opened) {
      rings = tl::unexpected(std::move(opened.error()));
      return;
    }
    for (Source& source : *opened) rings->push_back(std::make_shared<Source>(std::move(source)));
  });
  return rings;
}

Result<void> Opener::check_filter(const std::string& device, const OpenOptions& options) {
  Result<void> checked;
  run([&] {
    if (device == "any") {
      checked = filter::compile_for_any(options.filter, options.snaplen).map([](const auto&) {});
      return;
    }
    const auto target = is_dpdk(device) ? filter::CompileFor::here : filter::CompileFor::kernel;
    checked = link_type_of(device).and_then([&](std::uint16_t link_type) {
      return filter::compile(options.filter, link_type, target, options.snaplen).map([](const auto&) {});
    });
  });
  return checked;
}

}  // namespace ringtail::daemon
