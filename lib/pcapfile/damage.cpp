#include "pcapfile/damage.hpp"

#include <cstring>

#include "pcapfile/damage_walk.hpp"
#include "pcapfile/pcap_parser.hpp"
#include "pcapfile/pcapng_parser.hpp"

namespace ringtail::pcapfile {

Damage find_damage(FileBytes& bytes) {
  constexpr std::size_t magic_bytes = 4;
  const std::span<const std::byte> magic = bytes.size() == 0 ? std::span<const std::byte>{} : bytes.at(0, magic_bytes);
  if (magic.size() >= magic_bytes) {
    if (PcapngParser::recognises(magic.data())) return find_pcapng_damage(bytes);
    if (PcapParser::recognises(magic.data())) return find_pcap_damage(bytes);
  }
  return {.problem = "neither pcapng nor classic pcap", .is_repairable = false};
}

bool is_all_from(FileBytes& bytes, std::uint64_t offset, std::byte value) {
  constexpr std::size_t step = 4096;
  while (offset < bytes.size()) {
    const std::span<const std::byte> here = bytes.at(offset, step);
    // The first byte is right and each is like the one before it.
    if (here.empty() || here[0] != value) return false;
    if (std::memcmp(here.data(), here.data() + 1, here.size() - 1) != 0) return false;
    offset += here.size();
  }
  return true;
}

}  // namespace ringtail::pcapfile
