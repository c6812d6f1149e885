#include "open_transmitter.hpp"

#include "dpdk/loader.hpp"
#include "tpacket/packet_transmitter.hpp"

namespace ringtail {

Result<detail::TransmitterPointer> open_transmitter(std::string_view device, const OpenOptions& options) {
  for (const std::string_view prefix : {"file:", "ringtail:"}) {
    if (device.starts_with(prefix)) {
      return tl::unexpected(usage_error("send into " + std::string(device), "nothing can be sent there",
                                        "name an interface or a dpdk: device"));
    }
  }
  if (device.starts_with("dpdk:")) return dpdk::open_dpdk_transmitter(device, options);
  return tpacket::PacketTransmitter::open(std::string(device));
}

}  // namespace ringtail
