// A client's greeting as bytes and as what it means.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/printable.hpp"
#include "filter/foreign_program.hpp"
#include "share/message.hpp"

namespace ringtail::share {

namespace {

tl::unexpected<Error> refuse(const char* why) {
  return tl::unexpected(make_error("read a greeting", why));
}

template <std::size_t bytes>
std::string text_of(const char (&field)[bytes]) {
  return {field, ::strnlen(field, bytes)};
}

Result<PacketFilter> read_filter(const Hello& hello) {
  PacketFilter filter;
  if (hello.parts > std::size(hello.part)) return refuse("it has too many filters");
  std::span<const filter::Instruction> code(hello.code);
  for (const Hello::Part& part : std::span(hello.part).first(hello.parts)) {
    if (part.instructions > code.size()) return refuse("its filters are longer than it");
    auto program = filter::adopt_foreign(code.first(part.instructions));
    if (!program) return tl::unexpected(std::move(program.error()));
    filter.add(part.link_type, std::move(*program));
    code = code.subspan(part.instructions);
  }
  return filter;
}

}  // namespace

Hello to_hello(const Request& request) noexcept {
  Hello hello;
  hello.intent = static_cast<std::uint32_t>(request.intent);
  hello.sharing = static_cast<std::uint32_t>(request.sharing);
  hello.key = static_cast<std::uint32_t>(request.key);
  hello.takes_rings = request.takes_rings ? 1 : 0;
  request.group.copy(hello.group, sizeof hello.group - 1);
  request.filter_text.copy(hello.filter_text, sizeof hello.filter_text - 1);
  filter::Instruction* code = hello.code;
  for (const auto& [link_type, program] : request.filter.programs()) {  // bounded by compile_filter()
    const auto instructions = program.instructions();
    hello.part[hello.parts++] = {.link_type = link_type,
                                 .instructions = static_cast<std::uint16_t>(instructions.size())};
    code = std::copy(instructions.begin(), instructions.end(), code);
  }
  return hello;
}

Result<Request> read_request(const Hello& hello) {
  if (hello.intent > static_cast<std::uint32_t>(Intent::ask)) return refuse("it wants what nobody knows");
  if (hello.sharing > static_cast<std::uint32_t>(Sharing::round_robin)) return refuse("it shares in no known way");
  if (hello.key > static_cast<std::uint32_t>(FlowKey::mac_addresses)) return refuse("it knows other flows");
  Request request{.intent = static_cast<Intent>(hello.intent),
                  .sharing = static_cast<Sharing>(hello.sharing),
                  .key = static_cast<FlowKey>(hello.key),
                  .group = base::printable(text_of(hello.group)),
                  .filter_text = base::printable(text_of(hello.filter_text))};
  if (hello.takes_rings > 1) return refuse("it takes what nobody knows");
  request.takes_rings = hello.takes_rings == 1;
  if ((request.sharing == Sharing::broadcast) != request.group.empty()) return refuse("its group makes no sense");
  auto filter = read_filter(hello);
  if (!filter) return tl::unexpected(std::move(filter.error()));
  request.filter = std::move(*filter);
  return request;
}

}  // namespace ringtail::share
