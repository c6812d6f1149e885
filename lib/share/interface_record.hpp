// Interfaces as they stand in shared memory.
#pragma once

#include <ringtail/interface.hpp>

#include "share/layout.hpp"

namespace ringtail::share {

[[nodiscard]] InterfaceRecord to_record(const Interface& interface) noexcept;

/// `record` may hold anything: texts end where the field ends, at the latest.
[[nodiscard]] Interface from_record(const InterfaceRecord& record);

}  // namespace ringtail::share
