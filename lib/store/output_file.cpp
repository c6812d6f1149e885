#include "store/output_file.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace ringtail::store {

namespace {

constexpr mode_t owner_only = 0600;
constexpr mode_t owner_and_group = 0640;

Error refusal(const std::string& path, const std::string& reason) {
  return make_error("open " + path, path + " " + reason, "remove it or choose another name");
}

Error open_error(const std::string& path) {
  return system_error("open " + path, errno, path);
}

/// The descriptor that a path names by number: shells put /dev/fd/63 for >(command).
std::optional<int> descriptor_named_by(std::string_view path) {
  if (path == "-" || path == "/dev/stdout") return STDOUT_FILENO;
  for (const std::string_view prefix : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(prefix)) continue;
    int number = -1;
    const std::string_view digits = path.substr(prefix.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc{} && end == digits.data() + digits.size() && number >= 0) return number;
  }
  return std::nullopt;
}

/// Where the next write() to a regular file goes.
std::uint64_t write_position(int descriptor, const struct stat& status) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags >= 0 && (flags & O_APPEND) != 0) return static_cast<std::uint64_t>(status.st_size);
  const off_t position = ::lseek(descriptor, 0, SEEK_CUR);
  return position < 0 ? 0 : static_cast<std::uint64_t>(position);
}

Result<OutputFile> duplicate(int descriptor, const std::string& path) {
  base::FileDescriptor copy(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
  if (!copy.is_open()) return tl::unexpected(open_error(path));
  return describe_output(std::move(copy), path, false);
}

mode_t creation_mode(bool group_readable) {
  return group_readable ? owner_and_group : owner_only;
}

Result<OutputFile> create_new(const std::string& path, bool group_readable) {
  const mode_t mode = creation_mode(group_readable);
  // O_EXCL: if somebody puts a file or a link there at this very moment, this fails instead of using it. Readable too:
  // after a failed write the last whole record is looked for in the file itself.
  base::FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file.is_open()) return tl::unexpected(open_error(path));
  return describe_output(std::move(file), path, true);
}

Result<OutputFile> open_stream(const std::string& path, mode_t expected_type) {
  base::FileDescriptor file(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open()) return tl::unexpected(open_error(path));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return tl::unexpected(open_error(path));
  if ((status.st_mode & S_IFMT) != expected_type) return tl::unexpected(refusal(path, "was replaced meanwhile"));
  return describe_output(std::move(file), path, false);
}

enum class Standing : std::uint8_t { nothing, plain_file, fifo, character_device };

/// An error where there is something that is not to be written to.
Result<Standing> what_stands_at(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return Standing::nothing;
    return tl::unexpected(open_error(path));
  }
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      if (status.st_nlink == 1) return Standing::plain_file;
      return tl::unexpected(refusal(path, "is a file with " + std::to_string(status.st_nlink) + " names (hard links)"));
    case S_IFIFO:
      return Standing::fifo;
    case S_IFCHR:
      return Standing::character_device;
    case S_IFLNK:
      return tl::unexpected(refusal(path, "is a symbolic link"));
    case S_IFDIR:
      return tl::unexpected(refusal(path, "is a directory"));
    case S_IFBLK:
      return tl::unexpected(refusal(path, "is a block device"));
    default:
      return tl::unexpected(refusal(path, "is no file that can be written"));
  }
}

}  // namespace

Result<OutputFile> describe_output(base::FileDescriptor descriptor, const std::string& path, bool is_ours) {
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) return tl::unexpected(open_error(path));
  OutputFile file;
  file.path = path;
  file.is_ours = is_ours;
  file.device = status.st_dev;
  file.inode = status.st_ino;
  file.kind = S_ISREG(status.st_mode) ? OutputKind::regular : OutputKind::stream;
  if (file.kind == OutputKind::regular) file.start_offset = write_position(descriptor.get(), status);
  file.descriptor = std::move(descriptor);
  return file;
}

Result<OutputFile> open_output(const std::string& path, bool group_readable) {
  if (const auto descriptor = descriptor_named_by(path)) return duplicate(*descriptor, path);
  const auto standing = what_stands_at(path);
  if (!standing) return tl::unexpected(standing.error());
  if (*standing == Standing::fifo) return open_stream(path, S_IFIFO);
  if (*standing == Standing::character_device) return open_stream(path, S_IFCHR);
  if (*standing == Standing::plain_file && ::unlink(path.c_str()) != 0) {
    return tl::unexpected(system_error("replace " + path, errno, path));
  }
  return create_new(path, group_readable);
}

Result<OutputFile> open_beside(const std::string& path, bool group_readable) {
  const auto standing = what_stands_at(path);
  const bool is_by_number = descriptor_named_by(path).has_value();
  if (is_by_number || !standing || (*standing != Standing::nothing && *standing != Standing::plain_file)) {
    return open_output(path, group_readable);
  }
  constexpr std::size_t longest_part = 200;         // of a name; NAME_MAX is 255
  const std::size_t name_at = path.rfind('/') + 1;  // npos + 1 is 0
  const std::string hidden =
      path.substr(0, name_at) + "." + path.substr(name_at, longest_part) + "." + std::to_string(::getpid()) + ".part";
  return create_new(hidden, group_readable);
}

Result<void> take_place(OutputFile& file, const std::string& path) {
  if (!file.is_ours || file.path == path) return {};
  if (::rename(file.path.c_str(), path.c_str()) != 0) {
    return tl::unexpected(system_error("name " + file.path + " " + path, errno, path));
  }
  file.path = path;
  return {};
}

std::optional<OutputFile> open_unnamed(const std::string& directory, bool group_readable) {
  const mode_t mode = creation_mode(group_readable);
  base::FileDescriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (!file.is_open()) return std::nullopt;
  auto described = describe_output(std::move(file), directory, true);
  return described ? std::optional(std::move(*described)) : std::nullopt;
}

bool name_output(OutputFile& file, const std::string& path) {
  // The way that needs no privilege (open(2), O_TMPFILE). link() fails where the name is taken, by a dangling link too.
  char unnamed[32] = {};
  std::snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", file.descriptor.get());
  if (::linkat(AT_FDCWD, unnamed, AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0) return false;
  file.path = path;
  return true;
}

bool remove_output(const std::string& path, dev_t device, ino_t inode) noexcept {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return false;
  if (status.st_dev != device || status.st_ino != inode) return false;
  return ::unlink(path.c_str()) == 0;
}

}  // namespace ringtail::store
