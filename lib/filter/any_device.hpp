// The program for a socket that is bound to every interface. Private to this room.
#pragma once

#include "filter/program.hpp"

namespace ringtail::filter {

/// Joins two programs into one that asks the kernel what kind of device a packet came from and judges it by the program
/// for that device's link type (ring/link_types.hpp). Link types other than these two are refused.
[[nodiscard]] Program dispatch_by_hardware_type(const Program& ethernet, const Program& raw_ip);

}  // namespace ringtail::filter
