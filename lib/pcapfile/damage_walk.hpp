// The two halves of find_damage(), one for each format.
#pragma once

#include "pcapfile/damage.hpp"

namespace ringtail::pcapfile {

[[nodiscard]] Damage find_pcapng_damage(FileBytes& bytes);
[[nodiscard]] Damage find_pcap_damage(FileBytes& bytes);

/// True when nothing but `value` stands from `offset` to the end of the file.
[[nodiscard]] bool is_all_from(FileBytes& bytes, std::uint64_t offset, std::byte value = {});

}  // namespace ringtail::pcapfile
