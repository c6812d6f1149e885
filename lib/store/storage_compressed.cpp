// A storage directory's finished files while compressed ones take their places.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "store/frame_table.hpp"
#include "store/storage_directory.hpp"
#include "store/storage_names.hpp"

namespace ringtail::store {

std::optional<FinishedFileInHand> StorageDirectory::oldest_uncompressed(
    const std::set<std::string>& passed_over) const {
  std::vector<std::pair<std::string, ino_t>> candidates;
  {
    const std::lock_guard lock(mutex_);
    for (const Stored& file : stored_) {
      if (!is_compressed(file.name) && !passed_over.contains(file.name)) candidates.emplace_back(file.name, file.inode);
    }
  }
  for (const auto& [name, inode] : candidates) {
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    base::FileDescriptor opened(::openat(directory_.get(), name.c_str(), flags));
    struct stat status {};
    if (!opened.is_open() || ::fstat(opened.get(), &status) != 0 || status.st_ino != inode) continue;
    if (!lock_for_writing(opened.get())) continue;  // somebody reads it
    ::flock(opened.get(), LOCK_UN);                 // the quota may take it away meanwhile
    return FinishedFileInHand{.name = name, .inode = inode, .descriptor = std::move(opened)};
  }
  return std::nullopt;
}

Result<OutputFile> StorageDirectory::create_compressed(const FinishedFileInHand& original) const {
  const mode_t mode = options_.group_readable ? 0640 : 0600;
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const std::string name = hidden_name(compressed_name(original.name));
  base::FileDescriptor file(::openat(directory_.get(), name.c_str(), flags, mode));
  if (!file.is_open()) return tl::unexpected(failed("create", name, errno));
  (void)lock_for_writing(file.get());
  return describe_output(std::move(file), path_of(name), true);
}

Result<void> StorageDirectory::exchange(const FinishedFileInHand& original, const OutputFile& compressed,
                                        std::uint64_t bytes) {
  const std::string name = compressed_name(original.name);
  const std::string hidden = hidden_name(name);
  struct stat status {};
  if (::fstat(original.descriptor.get(), &status) != 0) return tl::unexpected(failed("read", original.name, errno));
  // It is as old as what it was made of, also for the next start.
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, status.st_mtim};
  (void)::futimens(compressed.descriptor.get(), times);

  const std::lock_guard no_quota_meanwhile(quota_mutex_);
  if (!has(original)) {  // the quota was quicker
    discard(compressed);
    return {};
  }
  if (!lock_for_writing(original.descriptor.get())) return tl::unexpected(failed("replace", original.name, EBUSY));
  if (::renameat2(directory_.get(), hidden.c_str(), directory_.get(), name.c_str(), RENAME_NOREPLACE) != 0) {
    return tl::unexpected(failed("finish", hidden, errno));
  }
  if (::fsync(directory_.get()) != 0 && errno != EINVAL) return tl::unexpected(failed("sync", ".", errno));
  if (is_still(original.name, original.inode) && ::unlinkat(directory_.get(), original.name.c_str(), 0) != 0) {
    const int error = errno;
    ::unlinkat(directory_.get(), name.c_str(), 0);  // one of them has to go, and the quota knows the other
    return tl::unexpected(failed("replace", original.name, error));
  }
  const std::lock_guard lock(mutex_);
  const auto file = find(original);
  ++compression_.files;
  compression_.input_bytes += file->bytes;
  compression_.output_bytes += bytes;
  --compression_.waiting_files;
  compression_.waiting_bytes -= file->bytes;
  stored_bytes_ += bytes - file->bytes;
  file->name = name;
  file->inode = compressed.inode;
  file->bytes = bytes;
  return {};
}

std::deque<StorageDirectory::Stored>::iterator StorageDirectory::find(const FinishedFileInHand& file) {
  return std::ranges::find_if(
      stored_, [&](const Stored& stored) { return stored.name == file.name && stored.inode == file.inode; });
}

bool StorageDirectory::has(const FinishedFileInHand& file) {
  const std::lock_guard lock(mutex_);
  return find(file) != stored_.end();
}

bool StorageDirectory::is_still(const std::string& name, ino_t inode) const noexcept {
  struct stat status {};
  return ::fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_ino == inode;
}

/// A crash may have come between naming the compressed file and removing the other. Only one that has the whole of the
/// other in it takes its place.
void StorageDirectory::remove_originals_of_compressed() {
  for (const Stored& compressed : std::deque<Stored>(stored_)) {
    if (!is_compressed(compressed.name)) continue;
    const auto original = std::ranges::find(stored_, original_name(compressed.name), &Stored::name);
    if (original == stored_.end()) continue;
    constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    const base::FileDescriptor opened(::openat(directory_.get(), compressed.name.c_str(), flags));
    if (!opened.is_open() || frame_table::original_bytes(opened.get()) != original->bytes) continue;
    if (!is_still(original->name, original->inode)) continue;
    if (::unlinkat(directory_.get(), original->name.c_str(), 0) != 0) continue;
    forget(original);
  }
}

}  // namespace ringtail::store
