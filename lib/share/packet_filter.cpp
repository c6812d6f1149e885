#include "share/packet_filter.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <ringtail/interface.hpp>

#include "filter/compile.hpp"

namespace ringtail::share {

bool PacketFilter::operator==(const PacketFilter& other) const noexcept {
  return std::equal(programs_.begin(), programs_.end(), other.programs_.begin(), other.programs_.end(),
                    [](const auto& one, const auto& another) {
                      const auto ours = one.second.instructions();
                      const auto theirs = another.second.instructions();
                      return one.first == another.first &&
                             std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end());
                    });
}

Result<PacketFilter> compile_filter(const std::string& text, std::span<const std::uint16_t> link_types) {
  PacketFilter filter;
  if (text.find_first_not_of(" \t\n") == std::string::npos) return filter;
  constexpr std::array usual = {link_type::ethernet};
  std::size_t instructions = 0;
  std::optional<Error> first_fault;
  for (const std::uint16_t link_type : link_types.empty() ? std::span<const std::uint16_t>(usual) : link_types) {
    if (filter.programs().size() == most_filter_programs) break;
    auto program = filter::compile(text, link_type, filter::CompileFor::here);
    if (!program) {
      if (!first_fault) first_fault = std::move(program.error());
      continue;
    }
    instructions += program->instructions().size();
    filter.add(link_type, std::move(*program));
  }
  if (filter.accepts_all()) return tl::unexpected(std::move(*first_fault));
  if (instructions > most_filter_instructions) {
    return tl::unexpected(make_error("compile filter '" + text + "'",
                                     "it needs " + std::to_string(instructions) + " instructions",
                                     "a publisher takes at most " + std::to_string(most_filter_instructions)));
  }
  return filter;
}

}  // namespace ringtail::share
