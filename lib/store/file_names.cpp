#include "store/file_names.hpp"

#include <cinttypes>
#include <cstdio>

namespace ringtail::store {

std::string numbered_file_name(const std::string& path, std::uint64_t number, std::time_t time) {
  const std::size_t slash = path.rfind('/');
  std::size_t dot = path.rfind('.');
  const bool has_suffix = dot != std::string::npos && (slash == std::string::npos || slash < dot);
  if (!has_suffix) dot = path.size();

  std::tm local{};
  ::localtime_r(&time, &local);
  char stamp[32] = {};
  std::strftime(stamp, sizeof stamp, "%Y%m%d%H%M%S", &local);
  char middle[64] = {};
  std::snprintf(middle, sizeof middle, "_%05" PRIu64 "_%s", number, stamp);
  return path.substr(0, dot) + middle + path.substr(dot);
}

}  // namespace ringtail::store
