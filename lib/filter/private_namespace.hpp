// A network namespace of our own for a moment, for the machine on which no Ethernet device is up.
#pragma once

#include <ringtail/error.hpp>

#include "filter/handle.hpp"

namespace ringtail::filter {

/// An activated handle on the lo of a fresh network namespace. A thread of its own goes there, so the caller stays
/// where it is; the namespace is gone when the handle is. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN.
[[nodiscard]] Result<Handle> activate_in_private_namespace();

}  // namespace ringtail::filter
