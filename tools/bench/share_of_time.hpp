// How the time there is, is divided among what has to fit into it.
#pragma once

#include <chrono>
#include <cstddef>

#include "base/deadline.hpp"

namespace ringtail::bench {

/// When the first of `parts` equal parts of what is left until `end` is over.
[[nodiscard]] inline base::Deadline share_of(const base::Deadline& end, double parts) {
  if (end.is_never()) return end;
  const std::chrono::duration<double, std::nano> left = end.remaining(std::chrono::hours(24));
  return base::Deadline::after(std::chrono::duration_cast<std::chrono::nanoseconds>(left / parts));
}

}  // namespace ringtail::bench
