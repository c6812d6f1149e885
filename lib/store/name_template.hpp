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
#include <string>
#include <vector>

#include <ringtail/error.hpp>

namespace ringtail::store {

class NameTemplate {
 public:
  /// Error: unknown fields, no {sequence} (names would not be unique), a date right beside it (nobody could tell which
  /// digits are whose), a directory in it, a leading dot.
  [[nodiscard]] static Result<NameTemplate> parse(const std::string& text, const std::string& capture,
                                                  const std::string& interface);

  [[nodiscard]] std::string name(std::uint64_t sequence, std::time_t time) const;

  /// The sequence number in a name that this template could have made. Takes as long as the name is long, whatever it
  /// is: anybody may put names into a directory.
  [[nodiscard]] std::optional<std::uint64_t> sequence_of(const std::string& name) const;

 private:
  /// What strftime(3) makes of a format: literal texts, with something between each two of them.
  using Pattern = std::vector<std::string>;

  NameTemplate(std::string before, std::string after);
  [[nodiscard]] static Pattern pattern_of(const std::string& format);
  [[nodiscard]] bool has_date_beside_number() const;
  [[nodiscard]] static std::vector<bool> ends_of(const Pattern& pattern, const std::string& name);

  std::string before_;  ///< for strftime(3), what stands in front of {sequence}
  std::string after_;
  Pattern before_pattern_;
  Pattern after_pattern_;  ///< backwards
};

}  // namespace ringtail::store
