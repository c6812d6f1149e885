// How many huge pages this machine has to give, and what to say when they are too few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <ringtail/error.hpp>

namespace ringtail::dpdk {

/// One page size, as /sys/kernel/mm/hugepages has it (kernel: Documentation/admin-guide/mm/hugetlbpage.rst).
struct HugePageSize {
  std::size_t page_bytes = 0;
  std::uint64_t total = 0;      ///< in the pool, used ones included
  std::uint64_t available = 0;  ///< free and not promised to anybody, and what overcommit would still allow
};

/// Largest pages first. `directory` is another one in tests.
[[nodiscard]] std::vector<HugePageSize> read_huge_pages(const std::string& directory = "/sys/kernel/mm/hugepages");

/// Nothing when `needed_bytes` can be had from pages of one size; else the error that names what is missing.
[[nodiscard]] Result<void> check_huge_pages(const std::vector<HugePageSize>& sizes, std::size_t needed_bytes);

/// "64 huge pages of 2 MiB are needed, 3 are free ...", with the remedy.
[[nodiscard]] Error huge_page_error(const std::vector<HugePageSize>& sizes, std::size_t needed_bytes);

}  // namespace ringtail::dpdk
