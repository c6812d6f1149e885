// What crosses between the library and its DPDK module: one C symbol, which hands out a table.
//
// Everything that needs DPDK is a shared object of its own, loaded at the first "dpdk:" open, so that a program which
// captures from the kernel ring links and starts without DPDK's fifty libraries. Library and module each carry their
// own copy of base and ring; across the line go virtual calls on detail::Backend, and plain values. That is sound only
// while both were built from the same headers, so the table begins with what they look like.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include <ringtail/options.hpp>
#include <ringtail/source.hpp>
#include <ringtail/stats.hpp>

#include "ring/backend.hpp"
#include "ring/transmitter.hpp"

namespace ringtail::dpdk {

/// Fingerprint of the types that cross. Library and module from one build agree.
struct ModuleIdentity {
  char version[16] = RINGTAIL_VERSION;
  std::uint32_t backend_bytes = sizeof(detail::Backend);
  std::uint32_t slot_bytes = sizeof(detail::BatchSlot);
  std::uint32_t interface_bytes = sizeof(Interface);
  std::uint32_t options_bytes = sizeof(OpenOptions);
  std::uint32_t stats_bytes = sizeof(Stats);
  std::uint32_t error_bytes = sizeof(Error);
  std::uint32_t table_entries = 2;

  [[nodiscard]] bool operator==(const ModuleIdentity& other) const noexcept {
    return std::memcmp(this, &other, sizeof *this) == 0;
  }
};

struct ModuleTable {
  ModuleIdentity identity;  ///< first: compared before anything behind it is believed
  Result<detail::BackendPointer> (*open)(std::string_view device, const OpenOptions& options);
  Result<detail::TransmitterPointer> (*open_transmitter)(std::string_view device, const OpenOptions& options);
};

/// The module's only exported symbol, of type `const ModuleTable* ()`.
inline constexpr const char* module_symbol = "ringtail_dpdk_module";
using ModuleFunction = const ModuleTable* (*)();

}  // namespace ringtail::dpdk
