#include "version.hpp"

namespace ringtail::tools {

std::string_view version() noexcept {
  return RINGTAIL_VERSION;  // set by CMake for this file only, so that a new version recompiles nothing else
}

}  // namespace ringtail::tools
