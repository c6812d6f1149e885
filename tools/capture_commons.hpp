// What the threads of a capture have in common.
#pragma once

#include <chrono>

#include "base/wake_event.hpp"
#include "packet_budget.hpp"

namespace ringtail::tools {

struct CaptureCommons {
  PacketBudget budget;
  base::WakeEvent bell;                   ///< signalled when a thread has finished
  std::chrono::nanoseconds longest_wait;  ///< how long a thread may sleep
};

}  // namespace ringtail::tools
