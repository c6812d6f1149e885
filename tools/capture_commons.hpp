// What the threads of a capture have in common.
#pragma once

#include <chrono>

#include "base/file_descriptor.hpp"
#include "packet_budget.hpp"

namespace ringtail::tools {

struct CaptureCommons {
  PacketBudget budget;
  base::FileDescriptor bell;              ///< an eventfd; becomes readable when a thread has finished
  std::chrono::nanoseconds longest_wait;  ///< how long a thread may sleep
};

}  // namespace ringtail::tools
