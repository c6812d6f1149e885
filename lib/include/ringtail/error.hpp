// Failures are values. Nothing in the library throws across its face, logs or exits.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace ringtail {

/// Why something could not be set up. Made only at set-up and at the end of a stream, never per packet.
struct Error {
  std::string operation;   ///< what was tried, on what: "open eth0", "compile filter 'tcp prot 80'"
  std::string reason;      ///< why it failed, naming the thing, with the errno text where there is one
  std::string remedy;      ///< what the caller can do about it; may be empty
  int error_number = 0;    ///< the errno behind it, 0 when there is none
  bool bad_usage = false;  ///< true when the request itself is impossible (programs exit 2), whatever the machine

  /// "<operation>: <reason>[; <remedy>]", one line, no trailing newline.
  [[nodiscard]] std::string message() const;
};

template <typename Value>
using Result = tl::expected<Value, Error>;

/// Makes an Error from an errno: the reason becomes "<what>: <errno text>", or the errno text when `what` is empty.
[[nodiscard]] Error system_error(std::string operation, int error_number, const std::string& what = {},
                                 std::string remedy = {});

/// Makes an Error that no system call caused.
[[nodiscard]] Error make_error(std::string operation, std::string reason, std::string remedy = {});

/// Makes an Error for a request that no machine could fulfil; programs answer it with exit status 2.
[[nodiscard]] Error usage_error(std::string operation, std::string reason, std::string remedy = {});

}  // namespace ringtail
