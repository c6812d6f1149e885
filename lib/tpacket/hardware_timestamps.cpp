#include "tpacket/hardware_timestamps.hpp"

#include <cerrno>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <utility>

namespace ringtail::tpacket {

Result<HardwareTimestamps> HardwareTimestamps::enable(int socket, const std::string& device) {
  HardwareTimestamps adapter(socket, device);
  hwtstamp_config config = {};
  if (adapter.ask(SIOCGHWTSTAMP, config) == 0) {
    if (config.rx_filter == HWTSTAMP_FILTER_ALL) return adapter;  // somebody else's setting, and the right one
    adapter.previous_tx_type_ = config.tx_type;
    adapter.previous_rx_filter_ = config.rx_filter;
  }
  config.rx_filter = HWTSTAMP_FILTER_ALL;
  if (const int error = adapter.ask(SIOCSHWTSTAMP, config); error != 0) {
    return tl::unexpected(system_error("open " + device, error, "adapter time stamps",
                                       "use host time stamps; 'ethtool -T " + device + "' shows what it can do"));
  }
  adapter.changed_ = true;
  return adapter;
}

HardwareTimestamps::HardwareTimestamps(HardwareTimestamps&& other) noexcept
    : socket_(other.socket_),
      device_(std::move(other.device_)),
      changed_(std::exchange(other.changed_, false)),
      previous_tx_type_(other.previous_tx_type_),
      previous_rx_filter_(other.previous_rx_filter_) {}

HardwareTimestamps::~HardwareTimestamps() {
  if (!changed_) return;
  hwtstamp_config config = {};
  config.tx_type = previous_tx_type_;
  config.rx_filter = previous_rx_filter_;
  (void)ask(SIOCSHWTSTAMP, config);
}

int HardwareTimestamps::ask(unsigned long request, hwtstamp_config& config) const {
  ifreq query = {};
  device_.copy(query.ifr_name, IFNAMSIZ - 1);
  query.ifr_data = reinterpret_cast<char*>(&config);
  return ::ioctl(socket_, request, &query) == 0 ? 0 : errno;
}

}  // namespace ringtail::tpacket
