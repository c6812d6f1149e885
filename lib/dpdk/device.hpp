// A device of DPDK: attached by name, given back at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <rte_ethdev.h>
#include <string>

#include <ringtail/error.hpp>

#include "dpdk/device_text.hpp"

namespace ringtail::dpdk {

/// An Ethernet port that DPDK drives for us. DPDK is running. Control calls only, one thread at a time.
class Device {
 public:
  /// Takes the port of that name where there is one already (an application's, or from --vdev); else has DPDK find a
  /// driver for it.
  [[nodiscard]] static Result<std::unique_ptr<Device>> attach(const DeviceText& text);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  /// Stops the port; closes and detaches it unless it was there before.
  ~Device();

  [[nodiscard]] std::uint16_t id() const noexcept { return id_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const rte_eth_dev_info& info() const noexcept { return info_; }

  /// Starts packet reception and transmission; the queues are set up.
  [[nodiscard]] Result<void> start();
  void stop() noexcept;

  /// `what` did not work; `status` is DPDK's answer, a negated errno. Carries what DPDK's log said since attach().
  [[nodiscard]] Error failure(const std::string& what, int status) const;

  /// A failure() for which only the device's driver knows the cause, with what users can look at.
  [[nodiscard]] Error refusal(const std::string& what, int status) const;

 private:
  Device() = default;

  std::string name_;
  bool is_pci_ = false;
  std::uint16_t id_ = 0;
  rte_eth_dev_info info_ = {};
  std::uint64_t log_mark_ = 0;
  bool attached_here_ = false;
  bool started_ = false;
};

}  // namespace ringtail::dpdk
