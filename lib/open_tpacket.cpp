#include "open_tpacket.hpp"

#include <linux/filter.h>
#include <utility>

#include "filter/compile.hpp"
#include "ring/link_types.hpp"
#include "tpacket/link.hpp"
#include "tpacket/tpacket_backend.hpp"

namespace ringtail {

namespace {

using tpacket::TpacketBackend;
using OpenedBackend = std::unique_ptr<TpacketBackend, detail::BackendDeleter>;

constexpr std::uint16_t most_fanout_members = 256;  // PACKET_FANOUT_MAX before Linux 5.15; more helps nobody

Result<filter::Program> compile_for(const std::string& device, const OpenOptions& options) {
  if (device == "any") return filter::compile_for_any(options.filter, options.snaplen);
  auto links = tpacket::LinkQuery::open();
  if (!links) return tl::unexpected(std::move(links.error()));
  const auto link = links->by_name(device);
  if (!link) return tl::unexpected(link.error());
  return filter::compile(options.filter, ring::link_type_of_hardware(link->hardware_type), filter::CompileFor::kernel,
                         options.snaplen, device);
}

// The kernel's own type for what the filter room made; empty when there is nothing to filter.
Result<std::vector<sock_filter>> user_filter(const std::string& device, const OpenOptions& options) {
  std::vector<sock_filter> instructions;
  if (options.filter.empty()) return instructions;
  const auto program = compile_for(device, options);
  if (!program) return tl::unexpected(program.error());
  for (const filter::Instruction& instruction : program->instructions()) {
    instructions.push_back({instruction.code, instruction.jt, instruction.jf, instruction.k});
  }
  return instructions;
}

Result<OpenedBackend> open_unarmed(const std::string& device, const OpenOptions& options,
                                   std::uint16_t first_interface_id) {
  const auto filter = user_filter(device, options);
  if (!filter) return tl::unexpected(filter.error());
  return TpacketBackend::open(device, options, *filter, first_interface_id);
}

}  // namespace

Result<detail::BackendPointer> open_tpacket(const std::string& device, const OpenOptions& options,
                                            std::uint16_t first_interface_id) {
  auto backend = open_unarmed(device, options, first_interface_id);
  if (!backend) return tl::unexpected(std::move(backend.error()));
  if (auto armed = (*backend)->arm(); !armed) return tl::unexpected(std::move(armed.error()));
  return detail::BackendPointer(std::move(*backend));
}

Result<std::vector<detail::BackendPointer>> open_tpacket_fanout(const std::string& device, OpenOptions options,
                                                                std::uint16_t members) {
  if (members < 1 || members > most_fanout_members) {
    return tl::unexpected(usage_error("open " + device, std::to_string(members) + " fanout members are not possible",
                                      "choose 1 to " + std::to_string(most_fanout_members)));
  }
  if (!options.fanout) options.fanout.emplace();
  options.buffer_bytes /= members;
  std::vector<OpenedBackend> opened;
  for (std::uint16_t member = 0; member < members; ++member) {
    auto backend = open_unarmed(device, options, 0);
    if (!backend) return tl::unexpected(std::move(backend.error()));
    options.fanout->group = (*backend)->fanout_group();  // the first member may have been given a free one
    opened.push_back(std::move(*backend));
  }
  std::vector<detail::BackendPointer> armed;
  for (OpenedBackend& backend : opened) {
    if (auto ready = backend->arm(); !ready) return tl::unexpected(std::move(ready.error()));
    armed.emplace_back(std::move(backend));
  }
  return armed;
}

}  // namespace ringtail
