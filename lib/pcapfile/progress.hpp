// What the parsers say after each stretch of bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringtail::pcapfile {

enum class Pause : std::uint8_t {
  output_full,  ///< another packet follows, and there is no room for its descriptor
  more_bytes,   ///< the next record is not complete: give at least `needed_bytes` from here on
  interface,    ///< an interface was found and wants an id
  damage,       ///< the file cannot be read on from here
};

struct Progress {
  Pause pause = Pause::damage;
  std::uint32_t packets = 0;       ///< descriptors written
  std::size_t consumed_bytes = 0;  ///< of what was given
  std::size_t needed_bytes = 0;    ///< Pause::more_bytes
  const char* problem = nullptr;   ///< Pause::damage: what is wrong, for people
};

}  // namespace ringtail::pcapfile
