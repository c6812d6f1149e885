#include "dpdk/flow_pattern.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <sstream>

namespace ringtail::dpdk {

namespace {

using Words = std::span<const std::string>;

enum class Side : std::uint8_t { either, source, destination };

struct Network {
  std::uint32_t address = 0;
  std::uint32_t mask = 0;
};

template <typename Number>
std::optional<Number> number(std::string_view text, Number most) {
  Number value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> address(const std::string& text) {
  in_addr parsed = {};
  if (::inet_pton(AF_INET, text.c_str(), &parsed) != 1) return std::nullopt;
  return ntohl(parsed.s_addr);
}

std::optional<Network> network(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto base = address(text.substr(0, slash));
  const std::uint32_t bits = number<std::uint32_t>(text.substr(slash + 1), 32).value_or(0);
  if (!base || bits == 0) return std::nullopt;
  return Network{.address = *base, .mask = ~std::uint32_t{0} << (32 - bits)};
}

// What the filter says, gathered word by word; each kind of condition once.
class Conjunction {
 public:
  // Takes one term off the front. False where it is not understood.
  bool take_term(Words& words) {
    const bool named = !words.empty() && take_protocol(words.front());
    if (named) words = words.subspan(1);
    if (named && (words.empty() || is_and(words.front()))) return true;
    Side side = Side::either;
    if (!words.empty() && (words.front() == "src" || words.front() == "dst")) {
      side = words.front() == "src" ? Side::source : Side::destination;
      words = words.subspan(1);
    }
    if (words.size() < 2 || !take_value(side, words[0], words[1])) return false;
    words = words.subspan(2);
    return true;
  }

  static bool is_and(const std::string& word) { return word == "and" || word == "&&"; }

  [[nodiscard]] std::vector<FlowPattern> patterns() const {
    if (!version_4_ && !protocol_) return {};
    FlowPattern pattern;
    pattern.protocol = protocol_.value_or(0);
    if (source_) pattern.source = source_->address, pattern.source_mask = source_->mask;
    if (destination_) pattern.destination = destination_->address, pattern.destination_mask = destination_->mask;
    std::vector<FlowPattern> patterns{pattern};
    if (either_) {
      if (source_ || destination_) return {};
      patterns[0].source = either_->address, patterns[0].source_mask = either_->mask;
      patterns.push_back(pattern);
      patterns[1].destination = either_->address, patterns[1].destination_mask = either_->mask;
    }
    const bool has_address = source_ || destination_ || either_;
    if (!version_4_ && !has_address) patterns.push_back({.ipv6 = true});
    return patterns;
  }

 private:
  bool take_protocol(const std::string& word) {
    if (word == "ip") return version_4_ = true;
    std::uint8_t wanted = 0;
    if (word == "tcp") wanted = IPPROTO_TCP;
    if (word == "udp") wanted = IPPROTO_UDP;
    if (word == "icmp") wanted = IPPROTO_ICMP;
    if (wanted == 0 || protocol_.value_or(wanted) != wanted) return false;
    protocol_ = wanted;
    version_4_ = version_4_ || wanted == IPPROTO_ICMP;
    return true;
  }

  bool take_value(Side side, const std::string& kind, const std::string& value) {
    if (kind == "port") return protocol_ && *protocol_ != IPPROTO_ICMP && number<std::uint16_t>(value, UINT16_MAX);
    std::optional<Network> given;
    if (kind == "net") given = network(value);
    if (kind == "host") {
      if (const auto host = address(value)) given = Network{.address = *host, .mask = ~std::uint32_t{0}};
    }
    std::optional<Network>& place = side == Side::either ? either_ : (side == Side::source ? source_ : destination_);
    if (!given || place) return false;
    place = given;
    return true;
  }

  bool version_4_ = false;
  std::optional<std::uint8_t> protocol_;
  std::optional<Network> source_;
  std::optional<Network> destination_;
  std::optional<Network> either_;
};

std::string dotted(std::uint32_t address) {
  const in_addr raw{.s_addr = htonl(address)};
  char text[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &raw, text, sizeof text);
  return text;
}

std::string with_mask(const char* word, std::uint32_t address, std::uint32_t mask) {
  if (mask == 0) return "";
  return word + dotted(address) + (mask == ~std::uint32_t{0} ? "" : "/" + dotted(mask));
}

}  // namespace

std::vector<FlowPattern> flow_patterns(std::string_view filter) {
  std::istringstream stream{std::string(filter)};
  std::vector<std::string> text;
  for (std::string word; stream >> word;) text.push_back(word);
  Conjunction conjunction;
  Words words(text);
  for (;;) {
    if (!conjunction.take_term(words)) return {};
    if (words.empty()) return conjunction.patterns();
    if (!Conjunction::is_and(words.front())) return {};
    words = words.subspan(1);
  }
}

std::string describe(const FlowPattern& pattern) {
  if (pattern.ipv6) return "IPv6";
  std::string text = "IPv4";
  if (pattern.protocol == IPPROTO_TCP) text += " TCP";
  if (pattern.protocol == IPPROTO_UDP) text += " UDP";
  if (pattern.protocol == IPPROTO_ICMP) text += " ICMP";
  return text + with_mask(" from ", pattern.source, pattern.source_mask) +
         with_mask(" to ", pattern.destination, pattern.destination_mask);
}

}  // namespace ringtail::dpdk
