// Runs `ringtail capture`'s command line through its reader.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "capture_options.hpp"

namespace ringtail::tools {

struct ReadCommandLine {
  std::optional<int> status;  ///< nothing: to be carried out
  CaptureOptions options;
  std::string told;  ///< what came on stderr
};

/// `words` are what stands behind "capture".
inline ReadCommandLine read_command_line(std::vector<std::string> words) {
  words.insert(words.begin(), "capture");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  ReadCommandLine result;
  testing::internal::CaptureStderr();
  result.status = read_capture_options(arguments, result.options);
  result.told = testing::internal::GetCapturedStderr();
  return result;
}

}  // namespace ringtail::tools
