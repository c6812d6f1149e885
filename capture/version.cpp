#include "version.hpp"

namespace ringtail::daemon {

std::string_view version() noexcept {
  return RINGTAIL_VERSION;  // set by CMake for this file only
}

}  // namespace ringtail::daemon
