// Tells whoever waits for finished files their names, a line each (`-b printname:FILE`).
#pragma once

#include <string>

#include <ringtail/error.hpp>

#include "base/file_descriptor.hpp"

namespace ringtail::store {

class NameList {
 public:
  NameList() noexcept = default;  ///< tells nobody

  /// `target`: a path, opened as open_output() does, or "-" for standard output, or "stderr".
  [[nodiscard]] static Result<NameList> open(const std::string& target, bool group_readable);

  /// A line that cannot be written is no reason to stop capturing.
  void print(const std::string& path);

 private:
  base::FileDescriptor descriptor_;
};

}  // namespace ringtail::store
