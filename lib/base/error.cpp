#include <cstring>
#include <utility>

#include <ringtail/error.hpp>

namespace ringtail {

namespace {

// The GNU strerror_r returns the text, which may or may not stand in the buffer; unlike strerror it is thread-safe.
std::string errno_text(int error_number) {
  char buffer[128] = {};
  return strerror_r(error_number, buffer, sizeof buffer);
}

}  // namespace

std::string Error::message() const {
  std::string text = operation + ": " + reason;
  if (!remedy.empty()) text += "; " + remedy;
  return text;
}

Error system_error(std::string operation, int error_number, const std::string& what, std::string remedy) {
  std::string reason = what.empty() ? errno_text(error_number) : what + ": " + errno_text(error_number);
  return {.operation = std::move(operation),
          .reason = std::move(reason),
          .remedy = std::move(remedy),
          .error_number = error_number,
          .bad_usage = false};
}

Error make_error(std::string operation, std::string reason, std::string remedy) {
  return {.operation = std::move(operation),
          .reason = std::move(reason),
          .remedy = std::move(remedy),
          .error_number = 0,
          .bad_usage = false};
}

Error usage_error(std::string operation, std::string reason, std::string remedy) {
  Error error = make_error(std::move(operation), std::move(reason), std::move(remedy));
  error.bad_usage = true;
  return error;
}

}  // namespace ringtail
