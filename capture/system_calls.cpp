#include "system_calls.hpp"

#include <cerrno>
#include <cstdint>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <sys/socket.h>

namespace ringtail::daemon {

namespace {

// What files, sockets, threads, memory and time need. No exec, no ptrace, no mount, no module, no key, no namespace.
constexpr const char* allowed_calls[] = {
    // memory
    "brk", "mmap", "munmap", "mprotect", "mremap", "madvise", "mlock", "munlock", "membarrier", "get_mempolicy",
    "set_mempolicy", "mbind",
    // files
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "open",
    "openat", "openat2", "close", "close_range", "stat", "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs",
    "lseek", "access", "faccessat", "faccessat2", "getcwd", "getdents64", "readlink", "readlinkat", "dup", "dup2",
    "dup3", "fcntl", "flock", "fsync", "fdatasync", "sync_file_range", "ftruncate", "fallocate", "rename", "renameat",
    "renameat2", "unlink", "unlinkat", "linkat", "utimensat", "chmod", "fchmod", "fchmodat", "umask", "ioctl", "pipe2",
    "splice", "vmsplice", "tee", "io_uring_setup", "io_uring_enter", "io_uring_register", "memfd_create",
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "eventfd2", "timerfd_create", "timerfd_settime", "signalfd4", "futex", "nanosleep", "clock_nanosleep",
    "restart_syscall",
    // sockets; making and configuring packet sockets is decided below
    "bind", "connect", "listen", "accept", "accept4", "shutdown", "sendto", "recvfrom", "sendmsg", "recvmsg",
    "sendmmsg", "recvmmsg", "getsockname", "getpeername", "getsockopt", "socketpair",
    // threads and processes
    "exit", "exit_group", "set_robust_list", "get_robust_list", "rseq", "set_tid_address", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler", "sched_setscheduler",
    "pidfd_open", "getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "getgroups", "getrusage", "prlimit64",
    "getcpu", "prctl", "arch_prctl", "uname", "sysinfo", "tgkill",
    // signals, time, chance
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "clock_gettime", "clock_getres", "gettimeofday",
    "time", "getrandom"};

// What a new thread may not bring with it. CLONE_NEWTIME is for clone3(2) and unshare(2) alone.
constexpr std::uint64_t namespaces =
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

struct ContextDeleter {
  void operator()(void* context) const noexcept { seccomp_release(context); }
};

/// The flags of clone3(2) are in memory, where no filter can look: it does not exist here, and the C library makes its
/// threads with clone(2), as on older kernels.
int add_rules_for_threads(scmp_filter_ctx context) {
  const int error = seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  if (error != 0) return -error;
  const scmp_arg_cmp no_namespace{.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = namespaces, .datum_b = 0};
  return -seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, no_namespace);
}

/// The first error, as errno; 0 when all went well.
int add_rules(scmp_filter_ctx context, ThreadRole role) {
  for (const char* name : allowed_calls) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR) continue;  // not known to this libseccomp
    if (const int error = seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0); error != 0) return -error;
  }
  const auto only_if = [context](int call, const scmp_arg_cmp& argument) {
    return -seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1, argument);
  };
  if (const int error = add_rules_for_threads(context); error != 0) return error;
  if (role == ThreadRole::opener) {
    for (const int call : {SCMP_SYS(socket), SCMP_SYS(setsockopt)}) {
      if (const int error = seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0); error != 0) return -error;
    }
    return 0;
  }
  const scmp_arg_cmp other_family{.arg = 0, .op = SCMP_CMP_NE, .datum_a = AF_PACKET, .datum_b = 0};
  const scmp_arg_cmp other_level{.arg = 1, .op = SCMP_CMP_NE, .datum_a = SOL_PACKET, .datum_b = 0};
  if (const int error = only_if(SCMP_SYS(socket), other_family); error != 0) return error;
  return only_if(SCMP_SYS(setsockopt), other_level);
}

}  // namespace

Result<void> limit_system_calls(ThreadRole role) {
  const std::unique_ptr<void, ContextDeleter> context(seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  int error = context == nullptr ? ENOMEM : 0;
  if (error == 0) error = add_rules(context.get(), role);
  if (error == 0) error = -seccomp_load(context.get());
  if (error == 0) return {};
  return tl::unexpected(system_error("limit system calls", error, "seccomp"));
}

}  // namespace ringtail::daemon
