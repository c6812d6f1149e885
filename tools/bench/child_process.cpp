#include "bench/child_process.hpp"

#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <span>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "base/affinity.hpp"

namespace ringtail::bench {

namespace {

constexpr int could_not_execute = 127;

/// In the child, before the gate. Nothing here is worth an error: what matters shows in the account.
void settle_in(const ChildSettings& settings, int parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it died in between
  ::setpgid(0, 0);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE}) std::signal(number, SIG_DFL);
  if (settings.cpu >= 0) (void)base::pin_this_thread(settings.cpu);
  const char* const output = settings.output_path.empty() ? "/dev/null" : settings.output_path.c_str();
  const int file = ::open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
}

void wait_at_gate(int gate) {
  char token = 0;
  while (::read(gate, &token, 1) < 0 && errno == EINTR) {
  }
}

int execute_program(const Command& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  return could_not_execute;
}

}  // namespace

ChildProcess::ChildProcess(int pid, base::FileDescriptor handle, base::FileDescriptor gate) noexcept
    : pid_(pid), handle_(std::move(handle)), gate_(std::move(gate)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)), handle_(std::move(other.handle_)), gate_(std::move(other.gate_)) {}

ChildProcess::~ChildProcess() {
  if (pid_ == 0) return;
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Result<ChildProcess> ChildProcess::run(const ChildSettings& settings, const std::function<int()>& body) {
  int gate[2];
  if (::pipe2(gate, O_CLOEXEC) != 0) return tl::unexpected(system_error("start a process", errno, "make a pipe"));
  base::FileDescriptor inner(gate[0]);
  base::FileDescriptor outer(gate[1]);
  const int parent = ::getpid();
  const int pid = ::fork();
  if (pid < 0) return tl::unexpected(system_error("start a process", errno, "fork"));
  if (pid == 0) {
    outer.close();
    settle_in(settings, parent);
    wait_at_gate(inner.get());
    ::_exit(body());  // nothing of ours is flushed or destroyed twice
  }
  return ChildProcess(pid, base::FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))), std::move(outer));
}

Result<ChildProcess> ChildProcess::execute(const ChildSettings& settings, const Command& command) {
  return run(settings, [&command] { return execute_program(command); });
}

void ChildProcess::release() noexcept {
  gate_.close();  // read() in the child returns 0
}

void ChildProcess::signal(int number) noexcept {
  if (pid_ != 0) ::kill(pid_, number);
}

bool ChildProcess::has_ended() const noexcept {
  pollfd poll = {.fd = handle_.get(), .events = POLLIN, .revents = 0};
  return pid_ == 0 || ::poll(&poll, 1, 0) != 0;
}

double ChildProcess::cpu_ns_so_far() const noexcept {
  clockid_t clock = {};
  timespec used = {};
  if (pid_ == 0 || ::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

Result<Ended> ChildProcess::wait(const base::Deadline& deadline) {
  pollfd poll = {.fd = handle_.get(), .events = POLLIN, .revents = 0};
  bool killed = false;
  while (::poll(&poll, 1, 100) == 0) {
    if (killed || !deadline.has_passed()) continue;
    killed = true;
    signal(SIGKILL);
  }
  int status = 0;
  rusage used = {};
  const int waited = ::wait4(pid_, &status, 0, &used);
  pid_ = 0;
  if (waited < 0) return tl::unexpected(system_error("wait for a process", errno));
  if (killed) return tl::unexpected(make_error("wait for a process", "it did not end in time and was killed"));
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return Ended{code, to_usage(used)};
}

std::string to_text(const Command& command) {
  if (command.empty()) return "";
  std::string text = command[0].substr(command[0].rfind('/') + 1);  // npos + 1 is 0
  for (const std::string& word : std::span(command).subspan(1)) text += " " + word;
  return text;
}

Result<ProgramOutput> run_program(const Command& command) {
  const base::FileDescriptor memory(::memfd_create("output", MFD_CLOEXEC));
  const std::string path = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(memory.get());
  auto child = ChildProcess::execute({.cpu = -1, .output_path = path}, command);
  if (!child) return tl::unexpected(std::move(child.error()));
  child->release();
  const auto ended = child->wait(base::Deadline::after(std::chrono::seconds(10)));
  if (!ended) return tl::unexpected(ended.error());
  if (ended->exit_status == could_not_execute) {
    return tl::unexpected(make_error("run " + command[0], "it is not installed, or cannot be executed"));
  }
  std::ifstream file(path);
  return ProgramOutput{ended->exit_status, {std::istreambuf_iterator<char>(file), {}}};
}

}  // namespace ringtail::bench
