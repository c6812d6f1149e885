#include "store/file_window.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <sys/mman.h>
#include <utility>

namespace ringtail::store {

namespace {

/// What the signal handler knows of a window. It runs on the thread that made the access, which is the window's owner,
/// so it sees that thread's own stores; other windows' entries it only compares with the address.
struct Guard {
  std::atomic<bool> is_taken{false};
  std::atomic<std::byte*> begin{nullptr};
  std::atomic<std::size_t> bytes{0};  // 0: nothing is guarded
  std::atomic<bool> is_lost{false};
};

constexpr std::size_t most_windows = 256;
std::array<Guard, most_windows> guards;
struct sigaction handler_before {};

Guard* guard_of(const void* address) noexcept {
  for (Guard& guard : guards) {
    const auto begin = reinterpret_cast<std::uintptr_t>(guard.begin.load());
    // An address below wraps to far beyond any length.
    if (reinterpret_cast<std::uintptr_t>(address) - begin < guard.bytes.load()) return &guard;
  }
  return nullptr;
}

bool put_memory_in_place(Guard& guard) noexcept {
  void* place = ::mmap(guard.begin.load(), guard.bytes.load(), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return place != MAP_FAILED;
}

// Nothing here but atomics and plain system calls: signal-safety(7).
void on_bus_error(int number, siginfo_t* info, void* /*context*/) {
  const int saved_errno = errno;
  const bool is_access = info->si_code > 0;  // from the kernel, not from kill(2)
  Guard* guard = is_access ? guard_of(info->si_addr) : nullptr;
  if (guard != nullptr && put_memory_in_place(*guard)) {
    guard->is_lost.store(true);
  } else {
    ::sigaction(SIGBUS, &handler_before, nullptr);
    if (!is_access) (void)::raise(number);  // an access happens again when this returns
  }
  errno = saved_errno;
}

void install_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigaction(SIGBUS, &action, &handler_before);
  });
}

}  // namespace

Result<FileWindow> FileWindow::map(int descriptor, std::uint64_t offset, std::size_t bytes) {
  install_handler();
  for (std::size_t index = 0; index < guards.size(); ++index) {
    Guard& guard = guards[index];
    if (guard.is_taken.exchange(true)) continue;
    auto mapping = base::Mapping::shared(descriptor, bytes, offset);
    if (!mapping) {
      guard.is_taken.store(false);
      return tl::unexpected(std::move(mapping.error()));
    }
    guard.is_lost.store(false);
    guard.begin.store(mapping->data());
    guard.bytes.store(bytes);
    return FileWindow(std::move(*mapping), index);
  }
  return tl::unexpected(make_error("map a file", "too many files are mapped at once"));
}

FileWindow& FileWindow::operator=(FileWindow&& other) noexcept {
  if (this != &other) {
    close();
    mapping_ = std::move(other.mapping_);
    guard_ = std::exchange(other.guard_, no_guard);
  }
  return *this;
}

bool FileWindow::is_lost() const noexcept {
  return guard_ != no_guard && guards[guard_].is_lost.load();
}

void FileWindow::close() noexcept {
  if (guard_ == no_guard) return;
  Guard& guard = guards[std::exchange(guard_, no_guard)];
  guard.bytes.store(0);
  mapping_.unmap();
  guard.is_taken.store(false);
}

}  // namespace ringtail::store
