// Says which packet is worth a dump.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ringtail/source.hpp>

#include "filter/program.hpp"

namespace ringtail::daemon {

/// A filter, run here over every packet until one matches. Threads: any, once compiled.
class FlightTrigger {
 public:
  /// For Ethernet and raw IP; where the text makes no sense for one of them, packets of that kind never match, and
  /// neither do those of other link types. Error: it makes no sense at all.
  [[nodiscard]] static Result<FlightTrigger> compile(const std::string& text);

  /// True when a packet of the batch, which came from `source`, matches.
  [[nodiscard]] bool matches(const Source& source, const Batch& batch) const noexcept;

 private:
  FlightTrigger() = default;
  [[nodiscard]] const filter::Program* program_for(std::uint16_t link_type) const noexcept;

  std::vector<std::pair<std::uint16_t, filter::Program>> programs_;  // by link type
};

}  // namespace ringtail::daemon
