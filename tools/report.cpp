#include "report.hpp"

#include <cstdio>

namespace ringtail::tools {

void tell(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
}

int report(const Error& error) {
  tell("ringtail: " + error.message() + "\n");
  return error.bad_usage ? exit_usage : exit_failed;
}

void warn(std::string_view text) {
  tell("ringtail: warning: " + std::string(text) + "\n");
}

}  // namespace ringtail::tools
