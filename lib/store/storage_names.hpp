// What the names in a storage directory say about their files, and the lock that says who is at work on one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/file.h>

namespace ringtail::store {

inline constexpr std::string_view hidden_suffix = ".part";
inline constexpr std::string_view compressed_suffix = ".zst";

inline std::string hidden_name(const std::string& name) {
  return "." + name + std::string(hidden_suffix);
}

/// The final name in a hidden one.
inline std::optional<std::string> final_name(const std::string& hidden) {
  if (!hidden.starts_with('.') || !hidden.ends_with(hidden_suffix)) return std::nullopt;
  return hidden.substr(1, hidden.size() - 1 - hidden_suffix.size());
}

inline bool is_compressed(const std::string& name) {
  return name.ends_with(compressed_suffix);
}

inline std::string compressed_name(const std::string& name) {
  return name + std::string(compressed_suffix);
}

/// The name before it was compressed; one that was not stays as it is.
inline std::string original_name(const std::string& name) {
  return is_compressed(name) ? name.substr(0, name.size() - compressed_suffix.size()) : name;
}

/// Only whoever writes or finishes a file holds this lock; readers share one of their own.
inline bool lock_for_writing(int descriptor) {
  return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0;
}

}  // namespace ringtail::store
