// What every function of the C interface needs where C++ ends: nothing thrown gets out, errors and sized structs are
// the caller's memory.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <ringtail/error.hpp>
#include <ringtail/ringtail.h>

namespace ringtail::c_api {

/// Copies `error` to the caller, if the caller wants to know.
inline void report(const Error& error, ringtail_error* out) noexcept {
  if (out == nullptr) return;
  *out = {};
  out->error_number = error.error_number;
  out->bad_usage = error.bad_usage ? 1 : 0;
  std::snprintf(out->message, sizeof out->message, "%s: %s%s%s", error.operation.c_str(), error.reason.c_str(),
                error.remedy.empty() ? "" : "; ", error.remedy.c_str());
}

/// Calls `function`, which returns a Result. Its value; or nothing, and the reason in `error`, also when memory ran
/// out.
template <typename Function>
auto guarded(ringtail_error* error, Function function) noexcept
    -> std::optional<typename std::invoke_result_t<Function>::value_type> {
  try {
    auto result = function();
    if (result) return std::move(*result);
    report(result.error(), error);
  } catch (const std::exception& exception) {
    if (error != nullptr) {
      *error = {};
      error->error_number = ENOMEM;  // all that the library's own parts ever meet
      std::snprintf(error->message, sizeof error->message, "ringtail: %s", exception.what());
    }
  }
  return std::nullopt;
}

/// Hands out as much of `value` as the caller knows; what only the caller knows becomes zero.
template <typename Struct>
void copy_out(const Struct& value, Struct* out, std::size_t out_bytes) noexcept {
  static_assert(std::is_trivially_copyable_v<Struct>);
  std::memcpy(out, &value, std::min(out_bytes, sizeof value));
  if (out_bytes > sizeof value)
    std::memset(reinterpret_cast<std::byte*>(out) + sizeof value, 0, out_bytes - sizeof value);
}

/// Reads a caller's struct of options, of whatever version, over the `defaults`.
template <typename Struct>
Result<Struct> copy_in(const Struct* given, Struct defaults, const char* initializer) {
  static_assert(std::is_trivially_copyable_v<Struct>);
  constexpr std::size_t longest = 4096;
  if (given == nullptr) return defaults;
  const std::size_t given_bytes = given->struct_bytes;
  if (given_bytes <= sizeof given_bytes || given_bytes > longest) {
    return tl::unexpected(usage_error("read options", "struct_bytes is " + std::to_string(given_bytes),
                                      std::string("call ") + initializer + " first"));
  }
  const auto* const bytes = reinterpret_cast<const std::byte*>(given);
  const auto is_set = [](std::byte byte) { return byte != std::byte{0}; };
  if (given_bytes > sizeof defaults && std::any_of(bytes + sizeof defaults, bytes + given_bytes, is_set)) {
    return tl::unexpected(usage_error("read options", "they ask for something that this library does not know",
                                      std::string("update ringtail: this is ") + ringtail_version()));
  }
  std::memcpy(&defaults, given, std::min(given_bytes, sizeof defaults));
  return defaults;
}

}  // namespace ringtail::c_api
