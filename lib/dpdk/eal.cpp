#include "dpdk/eal.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <optional>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/affinity.hpp"
#include "dpdk/eal_arguments.hpp"
#include "dpdk/eal_log.hpp"
#include "dpdk/huge_pages.hpp"
#include "dpdk/shared_files.hpp"

namespace ringtail::dpdk {

namespace {

// What DPDK needs for itself: heaps, lcores, the tables of its libraries (measured below 10 MiB with 22.11).
constexpr std::size_t own_memory_bytes = std::size_t{16} << 20;

// Without huge pages memory cannot grow later, so this much more is reserved; what is not used is never touched.
constexpr std::size_t spare_bytes = std::size_t{256} << 20;

// What this process was, or is to be, started as.
struct Start {
  DpdkOptions options;
  bool secondary = false;  // of the application with options.file_prefix
};

std::string describe(const Start& start) {
  const DpdkOptions& options = start.options;
  return "'" + options.eal_arguments + "'" + (options.huge_pages ? "" : " --no-huge") +
         (options.file_prefix.empty() ? "" : " --file-prefix " + options.file_prefix) +
         (start.secondary ? " beside another application" : "");
}

bool asks_for_the_same(const Start& left, const Start& right) {
  return left.options.eal_arguments == right.options.eal_arguments &&
         left.options.huge_pages == right.options.huge_pages && left.options.file_prefix == right.options.file_prefix &&
         left.secondary == right.secondary;
}

int call_eal(std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  pointers.reserve(arguments.size());
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return rte_eal_init(static_cast<int>(pointers.size()), pointers.data());  // a copy: it reorders what it is given
}

Error start_error(const Start& start, int error_number, const std::string& complaints) {
  std::string reason = rte_strerror(error_number);
  if (!complaints.empty()) reason += " (" + complaints + ")";
  Error error = make_error("start DPDK with " + describe(start), std::move(reason),
                           "correct what it names and start the program again: a process can try only once");
  error.error_number = error_number;
  return error;
}

// Where an application keeps the files through which others join it (eal_create_runtime_dir(),
// lib/eal/common/eal_common_config.c).
std::filesystem::path runtime_directory() {
  if (::getuid() == 0) return "/var/run/dpdk";
  const char* own = ::secure_getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): nobody changes it
  return std::filesystem::path(own != nullptr ? own : "/tmp") / "dpdk";
}

bool is_alive(const std::filesystem::path& application) {
  return rte_eal_primary_proc_alive((application / "config").c_str()) != 0;
}

std::string live_applications() {
  std::string list;
  std::error_code missing;  // no directory, no applications
  for (const auto& entry : std::filesystem::directory_iterator(runtime_directory(), missing)) {
    if (is_alive(entry.path())) list += (list.empty() ? "" : ", ") + entry.path().filename().string();
  }
  return list.empty() ? "no DPDK application runs that others can join (--in-memory forbids it)"
                      : "those that run have " + list;
}

// All that can be found wrong before DPDK is asked.
Result<std::vector<std::string>> prepare_secondary(const Start& start) {
  const std::string& prefix = start.options.file_prefix;
  if (is_alive(runtime_directory() / prefix)) {
    return secondary_eal_arguments(prefix, start.options, base::cpus_of_node(-1));
  }
  return tl::unexpected(
      make_error("join the DPDK application with --file-prefix " + prefix, "there is none", live_applications()));
}

Result<std::vector<std::string>> prepare(const Start& start, std::size_t memory_bytes) {
  if (start.secondary) return prepare_secondary(start);
  if (wants_huge_pages(start.options)) {
    const auto enough = check_huge_pages(read_huge_pages(), memory_bytes + own_memory_bytes);
    if (!enough) return tl::unexpected(enough.error());
  }
  return eal_arguments(start.options, base::cpus_of_node(-1), memory_bytes + own_memory_bytes + spare_bytes);
}

Result<void> initialise(const Start& start, std::vector<std::string> arguments) {
  EalLog& log = EalLog::instance();
  log.attach(wants_log(start.options));
  const std::uint64_t mark = log.mark();
  std::optional<PrintGag> gag;
  if (!wants_log(start.options)) gag.emplace();
  int status = -1;
  int error_number = 0;
  const auto call = [&] {
    status = call_eal(arguments);
    error_number = rte_errno;  // one per thread
  };
  // The calling thread becomes lcore 0. In a secondary process that is somebody else's number: pools keep their caches
  // by it, and the application's thread of that number uses the same. So there it is a thread that ends.
  start.secondary ? std::thread(call).join() : call();
  if (status >= 0) return {};
  return tl::unexpected(start_error(start, error_number, log.complaints_since(mark)));
}

// A process that has registered threads takes no secondary processes (rte_thread_register), so one that was started to
// have some leaves its threads as they are.
std::atomic<bool> may_register_threads{false};

// Gives the id back when the thread ends.
struct LcoreRegistration {
  bool tried = false;
  bool registered = false;
  ~LcoreRegistration() {
    if (registered) rte_thread_unregister();
  }
};

Result<void> start_once(const Start& start, std::size_t memory_bytes) {
  static std::mutex mutex;
  static std::optional<Start> tried;  // rte_eal_init() keeps half of a failed try and refuses the next
  static Result<void> outcome;
  const std::lock_guard lock(mutex);
  if (!tried) {
    auto prepared = prepare(start, memory_bytes);
    if (!prepared) return tl::unexpected(prepared.error());
    tried = start;
    outcome = initialise(start, *prepared);
    const bool others_may_join = start.secondary || shares_files(start.options);
    const bool has_files = outcome && owns_files(start.options) && rte_eal_process_type() == RTE_PROC_PRIMARY;
    if (has_files) remove_shared_files_at_exit();
    may_register_threads.store(outcome && !others_may_join, std::memory_order_relaxed);
  }
  if (!outcome || asks_for_the_same(*tried, start)) return outcome;
  return tl::unexpected(make_error("start DPDK with " + describe(start),
                                   "it runs in this process already, with " + describe(*tried),
                                   "give every dpdk: source of a process the same arguments"));
}

}  // namespace

Result<void> start_eal(const DpdkOptions& options, std::size_t memory_bytes) {
  return start_once({.options = options}, memory_bytes);
}

Result<void> join_application(const std::string& file_prefix, const DpdkOptions& options) {
  Start start{.options = options, .secondary = true};
  start.options.file_prefix = file_prefix;
  start.options.huge_pages = true;
  return start_once(start, 0);
}

void adopt_this_thread() noexcept {
  if (rte_lcore_id() != LCORE_ID_ANY) return;
  thread_local LcoreRegistration registration;
  if (registration.tried || !may_register_threads.load(std::memory_order_relaxed)) return;
  registration.tried = true;
  registration.registered = rte_thread_register() == 0;
}

bool eal_has_huge_pages() noexcept {
  return rte_eal_has_hugepages() != 0;
}

}  // namespace ringtail::dpdk
