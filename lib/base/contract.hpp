// A broken contract ends the program where it broke: going on would corrupt somebody's packets.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ringtail::base {

/// Aborts with one line when `kept` is false. For callers' mistakes and our own, never for input.
inline void require(bool kept, const char* contract) noexcept {
  if (kept) [[likely]]
    return;
  std::fprintf(stderr, "ringtail: broken contract: %s\n", contract);
  std::abort();
}

}  // namespace ringtail::base
