#include "dpdk/backend.hpp"

#include <optional>

#include "dpdk/port_backend.hpp"
#include "dpdk/tap_backend.hpp"

namespace ringtail::dpdk {

namespace {

struct ImpossibleWish {
  const char* reason;
  const char* remedy;
};

/// What kernel interfaces can do and these cannot.
std::optional<ImpossibleWish> impossible_wish(const OpenOptions& options, bool is_tap) {
  if (!is_tap && options.direction == Direction::out) {
    return ImpossibleWish{"a port hands over what it receives, and nothing that is sent",
                          "tap the application that sends (dpdk:pdump:)"};
  }
  if (options.link_type && *options.link_type != link_type::ethernet) {
    return ImpossibleWish{"its link type is Ethernet, and no other can be asked for", "leave out the link type (-y)"};
  }
  if (is_tap && options.dpdk.mtu != 0) {
    return ImpossibleWish{"the port's MTU is the application's", "leave out --mtu"};
  }
  if (options.wait_for_interface) {
    return ImpossibleWish{"a device that goes is not waited for",
                          "leave out --wait: memif and vhost stay and take their next peer as it is"};
  }
  return std::nullopt;
}

}  // namespace

Result<ringtail::detail::BackendPointer> open_backend(std::string_view device, const OpenOptions& options) {
  constexpr std::string_view device_prefix = "dpdk:";
  std::string_view text = device;
  if (text.starts_with(device_prefix)) text.remove_prefix(device_prefix.size());
  const bool is_tap = is_tap_text(text);
  if (const auto wish = impossible_wish(options, is_tap)) {
    return tl::unexpected(usage_error("open " + std::string(device), wish->reason, wish->remedy));
  }
  if (is_tap) return TapBackend::open(device, text, options);
  return PortBackend::open(device, text, options);
}

}  // namespace ringtail::dpdk
