// From our options to the command line of rte_eal_init(). Pure text.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>

namespace ringtail::dpdk {

/// What DPDK is started with, program name first. What the user gives in DpdkOptions::eal_arguments comes last and
/// replaces ours where both speak of the same thing. `cpus`: those the process may run on; `memory_bytes`: what will be
/// asked for, needed up front only without huge pages.
///
/// Arguments that make rte_eal_init() end the process (--help) are refused.
[[nodiscard]] Result<std::vector<std::string>> eal_arguments(const DpdkOptions& options, const std::vector<int>& cpus,
                                                             std::size_t memory_bytes);

/// The same for a secondary process of the application that runs with `file_prefix`. Memory and its kind are the
/// application's, and so are the devices: all that are its own are attached here, too.
[[nodiscard]] Result<std::vector<std::string>> secondary_eal_arguments(const std::string& file_prefix,
                                                                       const DpdkOptions& options,
                                                                       const std::vector<int>& cpus);

/// True when DPDK keeps files through which other processes can join (--file-prefix).
[[nodiscard]] bool shares_files(const DpdkOptions& options);

/// True when those files are this process' own, if it is not itself one that joins.
[[nodiscard]] bool owns_files(const DpdkOptions& options);

/// True unless the options or the arguments in them say otherwise.
[[nodiscard]] bool wants_huge_pages(const DpdkOptions& options);

/// True when the user asks for DPDK's log: it then goes to standard error as DPDK would write it.
[[nodiscard]] bool wants_log(const DpdkOptions& options);

}  // namespace ringtail::dpdk
