#include "pcapfile/parser.hpp"

#include "base/contract.hpp"

namespace ringtail::pcapfile {

namespace {

// Calls `function` with the format's parser. Only where a format is known.
template <typename Variant, typename Function>
decltype(auto) with_format(Variant& format, Function function) {
  if (auto* pcapng = std::get_if<PcapngParser>(&format)) return function(*pcapng);
  auto* pcap = std::get_if<PcapParser>(&format);
  base::require(pcap != nullptr, "a parser is asked about interfaces after it has found one");
  return function(*pcap);
}

}  // namespace

Progress Parser::parse(std::span<const std::byte> memory, std::size_t begin, std::span<PacketDescriptor> out) {
  if (std::holds_alternative<std::monostate>(format_)) {
    constexpr std::size_t magic_bytes = 4;
    if (memory.size() - begin < magic_bytes) return {.pause = Pause::more_bytes, .needed_bytes = magic_bytes};
    if (!detect(memory.data() + begin)) {
      return {.pause = Pause::damage, .problem = "neither pcapng nor classic pcap (compressed files are not read)"};
    }
  }
  const Progress progress = with_format(format_, [&](auto& format) { return format.parse(memory, begin, out); });
  position_ += progress.consumed_bytes;
  return progress;
}

bool Parser::detect(const std::byte* first_four_bytes) {
  if (PcapngParser::recognises(first_four_bytes)) {
    format_.emplace<PcapngParser>(largest_record_bytes_);
  } else if (PcapParser::recognises(first_four_bytes)) {
    format_.emplace<PcapParser>(largest_record_bytes_);
  } else {
    return false;
  }
  return true;
}

const Interface& Parser::interface() const noexcept {
  return with_format(format_, [](auto& format) -> const Interface& { return format.interface(); });
}

std::uint32_t Parser::interface_index() const noexcept {
  return with_format(format_, [](auto& format) { return format.interface_index(); });
}

void Parser::accept_interface(std::uint16_t interface_id) {
  with_format(format_, [&](auto& format) { format.accept_interface(interface_id); });
}

bool Parser::is_between_records() const noexcept {
  return std::holds_alternative<std::monostate>(format_) ||
         with_format(format_, [](auto& format) { return format.is_between_records(); });
}

std::uint64_t Parser::malformed() const noexcept {
  if (std::holds_alternative<std::monostate>(format_)) return 0;
  return with_format(format_, [](auto& format) { return format.malformed(); });
}

}  // namespace ringtail::pcapfile
