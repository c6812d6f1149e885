#include "dpdk/eal.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <string>
#include <vector>

#include "base/affinity.hpp"
#include "dpdk/eal_arguments.hpp"
#include "dpdk/eal_log.hpp"
#include "dpdk/huge_pages.hpp"

namespace ringtail::dpdk {

namespace {

// What DPDK needs for itself: heaps, lcores, the tables of its libraries (measured below 10 MiB with 22.11).
constexpr std::size_t own_memory_bytes = std::size_t{16} << 20;

// Without huge pages memory cannot grow later, so this much more is reserved; what is not used is never touched.
constexpr std::size_t spare_bytes = std::size_t{256} << 20;

std::string describe(const DpdkOptions& options) {
  return "'" + options.eal_arguments + "'" + (options.huge_pages ? "" : " --no-huge") +
         (options.file_prefix.empty() ? "" : " --file-prefix " + options.file_prefix);
}

bool asks_for_the_same(const DpdkOptions& left, const DpdkOptions& right) {
  return left.eal_arguments == right.eal_arguments && left.huge_pages == right.huge_pages &&
         left.file_prefix == right.file_prefix;
}

int initialise(std::vector<std::string>& arguments) {
  std::vector<char*> pointers;
  pointers.reserve(arguments.size());
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return rte_eal_init(static_cast<int>(pointers.size()), pointers.data());  // a copy: it reorders what it is given
}

Error start_error(const DpdkOptions& options, int error_number, const std::string& complaints) {
  std::string reason = rte_strerror(error_number);
  if (!complaints.empty()) reason += " (" + complaints + ")";
  Error error = make_error("start DPDK with " + describe(options), std::move(reason),
                           "correct what it names and start the program again: a process can try only once");
  error.error_number = error_number;
  return error;
}

// All that can be found wrong before DPDK is asked.
Result<std::vector<std::string>> prepare(const DpdkOptions& options, std::size_t memory_bytes) {
  if (wants_huge_pages(options)) {
    const auto enough = check_huge_pages(read_huge_pages(), memory_bytes + own_memory_bytes);
    if (!enough) return tl::unexpected(enough.error());
  }
  return eal_arguments(options, base::cpus_of_node(-1), memory_bytes + own_memory_bytes + spare_bytes);
}

Result<void> start(const DpdkOptions& options, std::vector<std::string> arguments) {
  EalLog& log = EalLog::instance();
  log.attach(wants_log(options));
  const std::uint64_t mark = log.mark();
  std::optional<PrintGag> gag;
  if (!wants_log(options)) gag.emplace();
  if (initialise(arguments) >= 0) return {};
  const int error_number = rte_errno;
  return tl::unexpected(start_error(options, error_number, log.complaints_since(mark)));
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

}  // namespace

Result<void> start_eal(const DpdkOptions& options, std::size_t memory_bytes) {
  static std::mutex mutex;
  static std::optional<DpdkOptions> tried;  // rte_eal_init() keeps half of a failed try and refuses the next
  static Result<void> outcome;
  const std::lock_guard lock(mutex);
  if (!tried) {
    auto prepared = prepare(options, memory_bytes);
    if (!prepared) return tl::unexpected(prepared.error());
    tried = options;
    outcome = start(options, *prepared);
    may_register_threads.store(outcome && !shares_files(options), std::memory_order_relaxed);
  }
  if (!outcome || asks_for_the_same(*tried, options)) return outcome;
  return tl::unexpected(make_error("start DPDK with " + describe(options),
                                   "it runs in this process already, with " + describe(*tried),
                                   "give every dpdk: source of a process the same arguments"));
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
