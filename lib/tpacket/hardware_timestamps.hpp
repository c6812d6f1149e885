// Asks an adapter to stamp every received packet, and puts its setting back afterwards.
#pragma once

#include <optional>
#include <string>

#include <ringtail/error.hpp>

struct hwtstamp_config;

namespace ringtail::tpacket {

/// While it lives the adapter stamps packets (linux Documentation/networking/timestamping.rst, SIOCSHWTSTAMP).
class HardwareTimestamps {
 public:
  /// Error: the adapter has no time stamping of received packets, or we may not switch it on.
  [[nodiscard]] static Result<HardwareTimestamps> enable(int socket, const std::string& device);

  HardwareTimestamps(HardwareTimestamps&& other) noexcept;
  HardwareTimestamps& operator=(HardwareTimestamps&&) = delete;
  ~HardwareTimestamps();

 private:
  HardwareTimestamps(int socket, std::string device) : socket_(socket), device_(std::move(device)) {}
  [[nodiscard]] int ask(unsigned long request, hwtstamp_config& config) const;

  int socket_ = -1;
  std::string device_;
  bool changed_ = false;
  int previous_tx_type_ = 0;
  int previous_rx_filter_ = 0;
};

}  // namespace ringtail::tpacket
