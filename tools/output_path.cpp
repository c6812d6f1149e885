#include "output_path.hpp"

#include <cctype>
#include <cstdlib>
#include <ctime>
#include <random>
#include <sys/stat.h>

namespace ringtail::tools {

namespace {

/// What stands behind the last slash of "file:/a/b.pcap", with nothing in it that shells or file systems mind.
std::string as_file_name(const std::string& subject) {
  std::string name = subject.substr(subject.rfind('/') + 1);
  for (char& character : name) {
    const bool harmless =
        std::isalnum(static_cast<unsigned char>(character)) != 0 || character == '.' || character == '-';
    if (!harmless) character = '_';
  }
  return name;
}

std::string local_time_digits() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  char digits[sizeof "20261122065600"];
  const std::size_t length = std::strftime(digits, sizeof digits, "%Y%m%d%H%M%S", &local);
  return {digits, length};
}

std::string random_letters() {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, letters.size() - 1);
  std::string text(6, ' ');
  for (char& character : text) character = letters[pick(device)];
  return text;
}

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

std::string default_directory() {
  const char* directory = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): before any thread
  return directory != nullptr && *directory != '\0' ? directory : "/tmp";
}

}  // namespace

std::string temporary_path(const std::string& directory, const std::string& subject, FileFormat format) {
  std::string stem = directory.empty() ? default_directory() : directory;
  stem += "/ringtail_" + as_file_name(subject) + "_" + local_time_digits() + "_";
  const char* extension = format == FileFormat::pcapng ? ".pcapng" : ".pcap";
  // Recorder::create() replaces what has the name, so the name must be new; it refuses a link planted meanwhile.
  std::string path;
  do {
    path = stem + random_letters() + extension;
  } while (exists(path));
  return path;
}

std::string path_of_thread(const std::string& path, unsigned thread) {
  const std::string number = "." + std::to_string(thread);
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  const std::size_t dot = path.rfind('.');
  if (dot == std::string::npos || dot <= name) return path + number;
  return path.substr(0, dot) + number + path.substr(dot);
}

}  // namespace ringtail::tools
