// Independent readers of capture files: what tshark, capinfos and tcpdump say about bytes that we made.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace ringtail::test {

/// Bytes in a file of their own, as long as this lives.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::span<const std::byte> bytes = {}) {
    const int descriptor = ::mkstemp(path_.data());
    if (descriptor < 0) std::abort();
    ::close(descriptor);
    write(bytes);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    std::ofstream file(path_, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "ringtail-test-XXXXXX").string();
};

struct Verdict {
  std::string output;  ///< what it said, standard error included where `run` says so
  int exit_status = -1;
};

/// Runs `command` in a shell.
inline Verdict run(const std::string& command) {
  Verdict verdict;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return verdict;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) verdict.output.append(buffer, got);
  const int status = ::pclose(pipe);
  verdict.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return verdict;
}

inline bool has_program(const std::string& name) {
  return run("command -v " + name).exit_status == 0;
}

}  // namespace ringtail::test

/// Skips the test, with the reason, where an independent reader is not installed.
#define RINGTAIL_NEEDS_PROGRAM(name) \
  if (!ringtail::test::has_program(name)) GTEST_SKIP() << (name) << " is not installed"
