#include "dpdk/backend.hpp"

#include "dpdk/port_backend.hpp"
#include "dpdk/tap_backend.hpp"

namespace ringtail::dpdk {

Result<ringtail::detail::BackendPointer> open_backend(std::string_view device, const OpenOptions& options) {
  constexpr std::string_view device_prefix = "dpdk:";
  std::string_view text = device;
  if (text.starts_with(device_prefix)) text.remove_prefix(device_prefix.size());
  if (is_tap_text(text)) return TapBackend::open(device, text, options);
  return PortBackend::open(device, text, options);
}

}  // namespace ringtail::dpdk
