#include "flight_trigger.hpp"

#include <optional>

#include "filter/compile.hpp"

namespace ringtail::daemon {

Result<FlightTrigger> FlightTrigger::compile(const std::string& text) {
  FlightTrigger trigger;
  std::optional<Error> fault;
  for (const std::uint16_t link_type : {link_type::ethernet, link_type::raw_ip}) {
    auto program = filter::compile(text, link_type, filter::CompileFor::here);
    if (program) {
      trigger.programs_.emplace_back(link_type, std::move(*program));
    } else if (!fault) {
      fault = std::move(program.error());
    }
  }
  if (trigger.programs_.empty()) return tl::unexpected(*std::move(fault));
  return trigger;
}

bool FlightTrigger::matches(const Source& source, const Batch& batch) const noexcept {
  const filter::Program* program = nullptr;
  std::optional<std::uint16_t> interface_id;
  for (const PacketView packet : batch) {
    if (interface_id != packet.interface_id()) {
      interface_id = packet.interface_id();
      program = program_for(source.interface(*interface_id).link_type);
    }
    if (program != nullptr && program->matches(packet.bytes(), packet.wire_length())) return true;
  }
  return false;
}

const filter::Program* FlightTrigger::program_for(std::uint16_t link_type) const noexcept {
  for (const auto& [of_type, program] : programs_) {
    if (of_type == link_type) return &program;
  }
  return nullptr;
}

}  // namespace ringtail::daemon
