// What is said on a daemon's control socket, as values and as lines.
//
//   ask     {"version":1,"operation":"filter","filter":"tcp port 443"}
//   answer  {"version":1,"ok":true}   {"version":1,"ok":false,"error":"..."}   {"version":1,"ok":true,"status":{...}}
//
//   ask     {"version":1,"operation":"dump","last_seconds":30}   with the descriptor of a file, or without
//   answer  {"version":1,"ok":true,"dump":{"packets":1000,"bytes":68000,"path":"..."}}
//
// Each message is one line of JSON, at most longest_line_bytes long. Members that are not known are ignored, so that
// either side may be newer; a version that is not known is refused.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ringtail/error.hpp>

#include "control/status.hpp"

namespace ringtail::control {

inline constexpr int protocol_version = 1;
inline constexpr std::size_t longest_line_bytes = 32 * 1024;  ///< more than the longest filter, escaped

enum class Operation : std::uint8_t { stat, pause, resume, rotate, filter, dump, reload, stop };

inline constexpr std::array all_operations = {Operation::stat,   Operation::pause, Operation::resume, Operation::rotate,
                                              Operation::filter, Operation::dump,  Operation::reload, Operation::stop};

/// The word for it in messages and on command lines.
[[nodiscard]] std::string_view name_of(Operation operation) noexcept;
[[nodiscard]] std::optional<Operation> operation_named(std::string_view name) noexcept;

struct Request {
  Operation operation = Operation::stat;
  std::string filter{};                  ///< with Operation::filter; may be empty
  std::optional<double> last_seconds{};  ///< with Operation::dump; none: all there is
};

/// What a dump has brought.
struct DumpReport {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< of the file
  std::string path{};       ///< of a file in the capture's storage; empty: the file was the asker's
};

struct Answer {
  std::optional<std::string> error{};     ///< why it was not done
  std::optional<CaptureStatus> status{};  ///< with Operation::stat
  std::optional<DumpReport> dump{};       ///< with Operation::dump

  [[nodiscard]] bool ok() const noexcept { return !error.has_value(); }
};

/// Lines come without their newline, whatever they hold; encode() ends with one.
[[nodiscard]] std::string encode(const Request& request);
[[nodiscard]] Result<Request> decode_request(std::string_view line);
[[nodiscard]] std::string encode(const Answer& answer);
[[nodiscard]] Result<Answer> decode_answer(std::string_view line);

}  // namespace ringtail::control
