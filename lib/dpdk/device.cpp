#include "dpdk/device.hpp"

#include <rte_dev.h>
#include <rte_errno.h>

#include "dpdk/eal_log.hpp"

namespace ringtail::dpdk {

namespace {

std::string usual_remedy(bool is_pci) {
  if (is_pci) {
    return "bind the device to vfio-pci (dpdk-devbind.py --status shows it; Mellanox devices stay with their kernel "
           "driver), and see that no other program uses it";
  }
  return "see that nobody else uses it and that its other side is there; its arguments are in the DPDK guide 'Network "
         "Interface Controller Drivers'";
}

// The port of a device is usually called like it; a PCI device with several ports has other names, and the first
// counts.
bool find_port(const std::string& device_name, std::uint16_t& port) {
  if (rte_eth_dev_get_port_by_name(device_name.c_str(), &port) == 0) return true;
  for (port = rte_eth_find_next(0); port < RTE_MAX_ETHPORTS;
       port = rte_eth_find_next(static_cast<std::uint16_t>(port + 1))) {
    rte_eth_dev_info info = {};
    if (rte_eth_dev_info_get(port, &info) == 0 && rte_dev_name(info.device) == device_name) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<Device>> Device::attach(const DeviceText& text) {
  std::unique_ptr<Device> device(new Device);
  device->name_ = text.name;
  device->is_pci_ = text.is_pci;
  device->log_mark_ = EalLog::instance().mark();
  if (!find_port(text.name, device->id_)) {
    const int status = rte_dev_probe(text.arguments.c_str());
    if (status < 0) return tl::unexpected(device->refusal("no driver took the device", status));
    if (!find_port(text.name, device->id_)) {
      rte_eal_hotplug_remove(text.is_pci ? "pci" : "vdev", text.name.c_str());
      return tl::unexpected(device->refusal("it is no Ethernet port", -ENODEV));
    }
    device->attached_here_ = true;
  }
  if (const int status = rte_eth_dev_info_get(device->id_, &device->info_); status < 0) {
    return tl::unexpected(device->failure("it does not describe itself", status));
  }
  return device;
}

Device::~Device() {
  stop();
  if (!attached_here_) return;
  rte_eth_dev_close(id_);
  rte_dev_remove(info_.device);
}

Result<void> Device::start() {
  if (const int status = rte_eth_dev_start(id_); status < 0) {
    return tl::unexpected(refusal("the device does not start", status));
  }
  started_ = true;
  return {};
}

void Device::stop() noexcept {
  if (started_) rte_eth_dev_stop(id_);
  started_ = false;
}

Error Device::failure(const std::string& what, int status) const {
  // The log says it better than the number, which is often any.
  std::string reason = EalLog::instance().complaints_since(log_mark_);
  if (reason.empty()) reason = rte_strerror(-status);
  Error error = make_error("open dpdk:" + name_, what + ": " + reason);
  error.error_number = -status;
  return error;
}

Error Device::refusal(const std::string& what, int status) const {
  Error error = failure(what, status);
  error.remedy = usual_remedy(is_pci_);
  return error;
}

}  // namespace ringtail::dpdk
