#include "bench/live_runner.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/interruption.hpp"
#include "bench/system_calls.hpp"

namespace ringtail::bench {

namespace {

using namespace std::chrono_literals;

constexpr auto longest_start = 10s;
constexpr std::chrono::nanoseconds longest_send = 120s;
constexpr auto longest_end = 60s;
// After the socket is there, programs still open files, set filters and draw breath.
constexpr auto settle_before = 300ms;
// tcpdump has the kernel hand over a part-filled block after a second, the others sooner.
constexpr auto settle_after = 1300ms;

/// The last thing a program said, for error messages.
std::string last_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string last = "it said nothing";
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) last = line;
  }
  return last;
}

}  // namespace

Result<Sent> LiveRunner::measure_sender(const Traffic& traffic, double seconds) {
  const MachineUsage before = MachineUsage::now();
  const auto sent = apply({.frames = UINT64_MAX, .seconds = seconds}, traffic);
  const MachineUsage after = MachineUsage::now();
  if (!sent) return tl::unexpected(sent.error());
  if (sent->frames == 0) return tl::unexpected(make_error("send frames", "the link took none"));
  const double background_ns = settings_.background_busy * after.seconds_since(before) * 1e9;
  sender_ns_per_frame_ = (after.busy_ns_since(before) - background_ns) / static_cast<double>(sent->frames);
  return sent;
}

Result<LiveRun> LiveRunner::run(const Contestant& contestant, const Traffic& traffic, const Load& load,
                                bool count_system_calls) {
  std::filesystem::remove(output_path());
  auto child =
      ChildProcess::execute({.cpu = settings_.cpu, .output_path = output_path()}, contestant.command_for(file_path()));
  if (!child) return tl::unexpected(std::move(child.error()));
  const auto counter =
      count_system_calls ? SystemCallCounter::attach(child->pid()) : Result<SystemCallCounter>(tl::unexpected(Error{}));
  LiveRun run;
  RunAccount& account = run.account;
  child->release();
  if (auto ready = wait_until_it_listens(*child); !ready) return tl::unexpected(std::move(ready.error()));
  std::this_thread::sleep_for(settle_before);
  const double start_cpu_ns = child->cpu_ns_so_far();
  const MachineUsage before = MachineUsage::now();
  const std::uint64_t frames_before = settings_.link->received_frames();
  const auto sent = apply(load, traffic);
  if (!sent) return tl::unexpected(sent.error());
  std::this_thread::sleep_for(settle_after);
  child->signal(SIGINT);
  const auto ended = child->wait(base::Deadline::after(longest_end));
  if (!ended) return tl::unexpected(ended.error());
  const auto state = inspect_file(file_path());
  auto synced = state ? sync_file(file_path()) : Result<void>{};
  const MachineUsage after = MachineUsage::now();
  if (!state || !synced) {
    const std::string why = last_line_of(output_path());
    return tl::unexpected(make_error("run " + contestant.name, "it left no file: " + why));
  }

  run.sent = *sent;
  account.offered_packets = settings_.link->received_frames() - frames_before;
  account.usage = ended->usage;
  account.usage.cpu_ns -= start_cpu_ns;
  account.seconds = after.seconds_since(before);
  account.machine_cpu_ns = after.busy_ns_since(before) - settings_.background_busy * account.seconds * 1e9 -
                           sender_ns_per_frame_ * static_cast<double>(account.offered_packets);
  account.file = *state;
  if (counter) account.system_calls = counter->count();
  auto read = read_files(contestant, account);
  std::filesystem::remove(file_path());
  std::filesystem::remove(file_path() + Contestant::summary_suffix);
  if (!read) return tl::unexpected(std::move(read.error()));
  return run;
}

Result<void> LiveRunner::wait_until_it_listens(const ChildProcess& child) const {
  const auto deadline = base::Deadline::after(longest_start);
  while (!settings_.link->has_listener()) {
    const std::string said = ": " + last_line_of(output_path());
    if (child.has_ended()) return tl::unexpected(make_error("start it", "it ended without listening" + said));
    if (deadline.has_passed()) return tl::unexpected(make_error("start it", "it did not listen in time" + said));
    std::this_thread::sleep_for(5ms);
  }
  return {};
}

Result<Sent> LiveRunner::apply(const Load& load, const Traffic& traffic) const {
  if (load.frames == 0) {
    std::this_thread::sleep_for(std::chrono::duration<double>(load.seconds));
    return Sent{};
  }
  auto sender = FrameSender::open(settings_.link->sender(), traffic);
  if (!sender) return tl::unexpected(std::move(sender.error()));
  const std::chrono::duration<double> time(load.seconds);
  const auto limit = load.seconds > 0 ? std::chrono::duration_cast<std::chrono::nanoseconds>(time) : longest_send;
  const auto most_frames =
      static_cast<std::uint64_t>(static_cast<double>(settings_.most_bytes) / traffic.mean_frame_bytes());
  return sender->send(std::min(load.frames, most_frames), load.frames_per_second, base::Deadline::after(limit));
}

Result<void> LiveRunner::read_files(const Contestant& contestant, RunAccount& account) const {
  const auto contents = read_capture_file(file_path());
  if (!contents) return tl::unexpected(contents.error());
  account.captured_packets = contents->packets;
  account.captured_bytes = contents->captured_bytes;
  if (contestant.user_copies) {
    account.user_copied_bytes =
        static_cast<std::uint64_t>(*contestant.user_copies * static_cast<double>(contents->captured_bytes));
    return {};
  }
  const auto copied = copied_bytes_in_summary(file_path() + Contestant::summary_suffix);
  if (!copied) return tl::unexpected(copied.error());
  account.user_copied_bytes = *copied;
  return {};
}

}  // namespace ringtail::bench
