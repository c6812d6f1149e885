// Names of the files in a storage directory, made from a template, and recognised again.
//
//   "{capture}_{sequence}_%Y%m%dT%H%M%S.pcapng"   ->   "uplink_00042_20261122T065600.pcapng"
//
//   {capture}    the capture's name            {interface}   its interfaces, joined with '+'
//   {sequence}   five digits or more, growing  %Y %m %d ...  strftime(3), local time
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <regex>
#include <string>

#include <ringtail/error.hpp>

namespace ringtail::store {

class NameTemplate {
 public:
  /// Error: unknown fields, no {sequence} (names would not be unique), a directory in it, a leading dot.
  [[nodiscard]] static Result<NameTemplate> parse(const std::string& text, const std::string& capture,
                                                  const std::string& interface);

  [[nodiscard]] std::string name(std::uint64_t sequence, std::time_t time) const;

  /// The sequence number in a name that this template could have made.
  [[nodiscard]] std::optional<std::uint64_t> sequence_of(const std::string& name) const;

 private:
  NameTemplate(std::string before, std::string after, std::regex pattern)
      : before_(std::move(before)), after_(std::move(after)), pattern_(std::move(pattern)) {}

  std::string before_;  ///< for strftime(3), what stands in front of {sequence}
  std::string after_;
  std::regex pattern_;
};

}  // namespace ringtail::store
