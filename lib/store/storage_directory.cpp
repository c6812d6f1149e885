#include "store/storage_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>

#include "store/recover.hpp"
#include "store/storage_names.hpp"

namespace ringtail::store {

namespace {

// No capture comes this far; a name that somebody planted may, and those after it would be too long to be known again.
constexpr std::uint64_t last_believed_sequence = 1'000'000'000'000'000;
constexpr std::time_t century_seconds = 100 * 366 * std::time_t{86'400};  // older is no file, whatever it says

std::string name_in(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

bool is_plain_file(const struct stat& status) {
  return S_ISREG(status.st_mode) && status.st_nlink == 1;
}

/// What an ordinary user may still use, as df(1) counts it.
struct Room {
  double size = 0;
  double available = 0;

  [[nodiscard]] double free_percent() const { return size > 0 ? 100 * available / size : 100; }
};

Room room_of(int directory) {
  struct statvfs status {};
  if (::fstatvfs(directory, &status) != 0) return {};
  const auto unit = static_cast<double>(status.f_frsize);
  return {unit * static_cast<double>(status.f_blocks), unit * static_cast<double>(status.f_bavail)};
}

}  // namespace

bool StorageOptions::has_same_files(const StorageOptions& other) const {
  StorageOptions same = other;
  same.quota = quota;
  same.compression = compression;
  return *this == same;
}

Result<void> StorageDirectory::check(const std::string& directory) {
  const auto refused = [&directory](int error_number) {
    return tl::unexpected(system_error("store files in " + directory, error_number, directory));
  };
  const base::FileDescriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.is_open() || ::faccessat(opened.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) return refused(errno);
  const base::FileDescriptor tried(::openat(opened.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!tried.is_open() && (errno == EACCES || errno == EPERM || errno == EROFS)) return refused(errno);
  return {};  // a full disk may have room again; not every file system has files without names
}

Result<std::shared_ptr<StorageDirectory>> StorageDirectory::open(StorageOptions options) {
  auto names = NameTemplate::parse(options.file_name, options.capture, options.interface);
  if (!names) return tl::unexpected(std::move(names.error()));
  base::FileDescriptor directory(::open(options.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::string operation = "store files in " + options.directory;
  if (!directory.is_open()) return tl::unexpected(system_error(operation, errno, options.directory));
  if (auto checked = check(options.directory); !checked) return tl::unexpected(std::move(checked.error()));
  std::shared_ptr<StorageDirectory> storage(
      new StorageDirectory(std::move(options), std::move(*names), std::move(directory)));
  if (auto scanned = storage->scan(); !scanned) return tl::unexpected(std::move(scanned.error()));
  storage->measure_room();
  return storage;
}

StorageDirectory::StorageDirectory(StorageOptions options, NameTemplate names, base::FileDescriptor directory)
    : options_(std::move(options)),
      names_(std::move(names)),
      directory_(std::move(directory)),
      quota_(options_.quota) {}

Error StorageDirectory::failed(const std::string& operation, const std::string& name, int error_number) const {
  return system_error(operation + " " + path_of(name), error_number, path_of(name));
}

// ---- What earlier runs have left -----------------------------------------------------------------------------------

Result<void> StorageDirectory::scan() {
  const int duplicate = ::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* entries = duplicate < 0 ? nullptr : ::fdopendir(duplicate);
  if (entries == nullptr) return tl::unexpected(failed("list", ".", errno));
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries)) names.emplace_back(entry->d_name);
  ::closedir(entries);

  for (const std::string& name : names) {
    const auto wanted = final_name(name);
    if (!wanted || !names_.sequence_of(original_name(*wanted))) continue;
    if (is_compressed(*wanted)) {
      remove_leftover(name);
    } else {
      finish_leftover(name, *wanted);
    }
  }
  const Moment now{std::chrono::steady_clock::now(), std::time(nullptr)};
  for (const std::string& name : names) take_stock_of(name, now);
  for (const Leftover& leftover : leftovers_) take_stock_of(leftover.name, now);
  remove_originals_of_compressed();
  sort_by_age();
  return {};
}

void StorageDirectory::sort_by_age() {
  std::stable_sort(stored_.begin(), stored_.end(), [](const Stored& left, const Stored& right) {
    return std::pair(left.written_at, left.name) < std::pair(right.written_at, right.name);
  });
}

void StorageDirectory::take_stock_of(const std::string& name, const Moment& now) {
  const auto hidden = final_name(name);
  const auto sequence = names_.sequence_of(original_name(hidden.value_or(name)));
  if (!sequence) return;
  // Of whatever has that name: it is not to be had.
  if (*sequence <= last_believed_sequence) last_sequence_ = std::max(last_sequence_, *sequence);
  struct stat status {};
  if (hidden || ::fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (!is_plain_file(status)) return;
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  const std::time_t age = std::clamp(now.wall - status.st_mtime, -century_seconds, century_seconds);
  const auto written_at = now.steady - std::chrono::seconds(age);
  add({.name = name, .inode = status.st_ino, .bytes = bytes, .written_at = written_at});
}

void StorageDirectory::add(Stored file) {
  stored_bytes_ += file.bytes;
  if (!is_compressed(file.name)) {
    ++compression_.waiting_files;
    compression_.waiting_bytes += file.bytes;
  }
  stored_.push_back(std::move(file));
}

void StorageDirectory::forget(std::deque<Stored>::iterator file) {
  stored_bytes_ -= file->bytes;
  if (!is_compressed(file->name)) {
    --compression_.waiting_files;
    compression_.waiting_bytes -= file->bytes;
  }
  stored_.erase(file);
}

/// Whoever wrote it is gone if the lock is free. What cannot be finished, and what no crash leaves, stays as it is.
void StorageDirectory::finish_leftover(const std::string& hidden, const std::string& name) {
  const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const base::FileDescriptor file(::openat(directory_.get(), hidden.c_str(), flags));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !is_plain_file(status)) return;
  if (!lock_for_writing(file.get())) return;
  const auto recovery = recover_open_file(file.get(), path_of(hidden));
  if (!recovery || (!recovery->damage.is_repairable && recovery->damage.packets > 0)) return;
  if (recovery->damage.packets == 0) {
    ::unlinkat(directory_.get(), hidden.c_str(), 0);
    return;
  }
  if (::fsync(file.get()) != 0) return;
  if (::renameat2(directory_.get(), hidden.c_str(), directory_.get(), name.c_str(), RENAME_NOREPLACE) != 0) return;
  leftovers_.push_back({.name = name,
                        .packets = recovery->damage.packets,
                        .cut_bytes = recovery->cut_bytes,
                        .filled_bytes = recovery->filled_bytes});
}

/// Half a compressed file: what it was made of is still there.
void StorageDirectory::remove_leftover(const std::string& hidden) const {
  const base::FileDescriptor file(
      ::openat(directory_.get(), hidden.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !is_plain_file(status)) return;
  if (lock_for_writing(file.get())) ::unlinkat(directory_.get(), hidden.c_str(), 0);
}

// ---- New files -----------------------------------------------------------------------------------------------------

std::string StorageDirectory::next_hidden_name() {
  const std::lock_guard lock(mutex_);
  newest_ = names_.name(++last_sequence_, std::time(nullptr));
  return hidden_name(newest_);
}

Result<OutputFile> StorageDirectory::create() {
  const mode_t mode = options_.group_readable ? 0640 : 0600;
  constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  for (;;) {
    const std::string name = next_hidden_name();
    base::FileDescriptor file(::openat(directory_.get(), name.c_str(), flags, mode));
    if (!file.is_open() && errno == EEXIST) continue;  // planted, perhaps: it is left alone
    if (!file.is_open()) return tl::unexpected(failed("create", name, errno));
    (void)lock_for_writing(file.get());
    return describe_output(std::move(file), path_of(name), true);
  }
}

std::optional<OutputFile> StorageDirectory::create_unnamed() const {
  const mode_t mode = options_.group_readable ? 0640 : 0600;
  base::FileDescriptor file(::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode));
  if (!file.is_open() || !lock_for_writing(file.get())) return std::nullopt;
  auto described = describe_output(std::move(file), options_.directory, true);
  return described ? std::optional(std::move(*described)) : std::nullopt;
}

bool StorageDirectory::name(OutputFile& file) {
  const std::string name = next_hidden_name();
  char unnamed[32] = {};
  std::snprintf(unnamed, sizeof unnamed, "/proc/self/fd/%d", file.descriptor.get());
  if (::linkat(AT_FDCWD, unnamed, directory_.get(), name.c_str(), AT_SYMLINK_FOLLOW) != 0) return false;
  file.path = path_of(name);
  return true;
}

void StorageDirectory::discard(const OutputFile& file) noexcept {
  const std::string name = name_in(file.path);
  struct stat status {};
  if (::fstatat(directory_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
  if (status.st_dev == file.device && status.st_ino == file.inode) ::unlinkat(directory_.get(), name.c_str(), 0);
}

Result<std::string> StorageDirectory::publish(const OutputFile& file, std::uint64_t bytes) {
  const std::string hidden = name_in(file.path);
  struct stat status {};
  if (::fstatat(directory_.get(), hidden.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return tl::unexpected(failed("finish", hidden, errno));
  }
  if (status.st_dev != file.device || status.st_ino != file.inode) {
    return tl::unexpected(make_error("finish " + file.path, "another file has its name"));
  }
  std::string name = *final_name(hidden);
  while (::renameat2(directory_.get(), hidden.c_str(), directory_.get(), name.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno != EEXIST) return tl::unexpected(failed("finish", hidden, errno));
    name = *final_name(next_hidden_name());
  }
  if (::fsync(directory_.get()) != 0 && errno != EINVAL) return tl::unexpected(failed("sync", ".", errno));
  {
    const std::lock_guard lock(mutex_);
    add({.name = name, .inode = file.inode, .bytes = bytes, .written_at = std::chrono::steady_clock::now()});
  }
  (void)enforce_quota();  // whoever wants to know why it cannot be done asks for it again
  return path_of(name);
}

// ---- The quota -----------------------------------------------------------------------------------------------------

std::optional<StorageDirectory::Stored> StorageDirectory::oldest_beyond_quota(std::size_t passed_over) const {
  std::unique_lock lock(mutex_);
  const Quota quota = quota_;
  lock.unlock();
  const Room room = quota.disk_percent || quota.free_percent ? room_of(directory_.get()) : Room{};
  lock.lock();
  if (passed_over >= stored_.size()) return std::nullopt;
  const Stored& oldest = stored_[passed_over];
  const auto bytes = static_cast<double>(stored_bytes_);
  const bool too_much = (quota.bytes && stored_bytes_ > *quota.bytes) ||
                        (quota.disk_percent && room.size > 0 && bytes > room.size * *quota.disk_percent / 100) ||
                        (quota.free_percent && room.free_percent() < *quota.free_percent) ||
                        (quota.age && std::chrono::steady_clock::now() - oldest.written_at > *quota.age);
  return too_much ? std::optional(oldest) : std::nullopt;
}

Result<StorageDirectory::Removal> StorageDirectory::remove(const Stored& file) const {
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const base::FileDescriptor opened(::openat(directory_.get(), file.name.c_str(), flags));
  const int error = opened.is_open() ? 0 : errno;
  struct stat status {};
  const bool is_known = opened.is_open()
                            ? ::fstat(opened.get(), &status) == 0
                            : ::fstatat(directory_.get(), file.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!is_known && errno == ENOENT) return Removal::was_gone;
  if (!is_known) return tl::unexpected(failed("delete", file.name, errno));
  if (status.st_ino != file.inode) return Removal::was_gone;  // its name is another's now
  if (error != 0) return tl::unexpected(failed("delete", file.name, error));
  if (!lock_for_writing(opened.get())) return Removal::is_read;
  if (::unlinkat(directory_.get(), file.name.c_str(), 0) == 0) return Removal::done;
  return tl::unexpected(failed("delete", file.name, errno));
}

Result<void> StorageDirectory::enforce_quota() {
  const std::lock_guard one_at_a_time(quota_mutex_);
  Result<void> enforced;
  std::size_t passed_over = 0;
  while (const auto oldest = oldest_beyond_quota(passed_over)) {
    const auto removal = remove(*oldest);
    if (!removal && enforced) enforced = tl::unexpected(removal.error());
    if (!removal || *removal == Removal::is_read) {
      ++passed_over;
      continue;
    }
    const std::lock_guard lock(mutex_);
    forget(stored_.begin() + static_cast<std::ptrdiff_t>(passed_over));  // others only append
    if (*removal == Removal::done) ++deleted_;
  }
  return enforced;
}

void StorageDirectory::change_quota(const Quota& quota) {
  const std::lock_guard lock(mutex_);
  quota_ = quota;
}

void StorageDirectory::take_over(const StorageDirectory& before) {
  struct stat here {};
  struct stat there {};
  const bool is_same_place = ::fstat(directory_.get(), &here) == 0 && ::fstat(before.directory_.get(), &there) == 0 &&
                             here.st_dev == there.st_dev && here.st_ino == there.st_ino;
  const std::lock_guard no_quota_meanwhile(quota_mutex_);  // it counts on others only to append
  const std::scoped_lock lock(mutex_, before.mutex_);
  deleted_ += before.deleted_;
  compression_.files += before.compression_.files;
  compression_.input_bytes += before.compression_.input_bytes;
  compression_.output_bytes += before.compression_.output_bytes;
  std::set<ino_t> known;
  for (const Stored& file : stored_) known.insert(file.inode);
  for (const Stored& file : before.stored_) {
    if (!is_same_place || known.contains(file.inode) || !names_.sequence_of(original_name(file.name))) continue;
    if (is_still(file.name, file.inode)) add(file);
  }
  sort_by_age();
}

StorageFigures StorageDirectory::figures() const {
  const std::lock_guard lock(mutex_);
  return {.files = stored_.size(),
          .bytes = stored_bytes_,
          .deleted = deleted_,
          .compression = compression_,
          .newest = newest_};
}

void StorageDirectory::measure_room() const noexcept {
  free_percent_.store(room_of(directory_.get()).free_percent(), std::memory_order_relaxed);
}

bool StorageDirectory::has_room() const noexcept {
  constexpr double enough_bytes = 64.0 * (1 << 20);
  const Room room = room_of(directory_.get());
  return room.available >= std::min(enough_bytes, room.size / 10);
}

}  // namespace ringtail::store
