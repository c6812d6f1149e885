#include "dpdk/huge_pages.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace ringtail::dpdk {

namespace {

constexpr std::size_t kibibyte = 1024;
constexpr std::size_t usual_page_bytes = 2048 * kibibyte;

std::uint64_t read_number(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  file >> number;
  return file ? number : 0;
}

HugePageSize read_size(const std::filesystem::path& directory, std::size_t page_bytes) {
  const std::uint64_t surplus = read_number(directory / "surplus_hugepages");
  const std::uint64_t overcommit = read_number(directory / "nr_overcommit_hugepages");
  const std::uint64_t free = read_number(directory / "free_hugepages");
  const std::uint64_t promised = read_number(directory / "resv_hugepages");
  HugePageSize size;
  size.page_bytes = page_bytes;
  size.total = read_number(directory / "nr_hugepages");
  size.available = (free > promised ? free - promised : 0) + (overcommit > surplus ? overcommit - surplus : 0);
  return size;
}

std::uint64_t pages_for(std::size_t bytes, std::size_t page_bytes) {
  return (bytes + page_bytes - 1) / page_bytes;
}

std::string size_text(std::size_t bytes) {
  const std::size_t mebibytes = bytes / (kibibyte * kibibyte);
  if (mebibytes >= kibibyte && mebibytes % kibibyte == 0) return std::to_string(mebibytes / kibibyte) + " GiB";
  if (mebibytes > 0) return std::to_string(mebibytes) + " MiB";
  return std::to_string(bytes / kibibyte) + " KiB";
}

}  // namespace

std::vector<HugePageSize> read_huge_pages(const std::string& directory) {
  std::vector<HugePageSize> sizes;
  std::error_code missing;  // a kernel without huge pages has no such directory: then the list is empty
  for (const auto& entry : std::filesystem::directory_iterator(directory, missing)) {
    const std::string name = entry.path().filename();  // hugepages-2048kB
    constexpr std::string_view prefix = "hugepages-";
    if (!name.starts_with(prefix)) continue;
    const std::size_t page_bytes = std::strtoul(name.c_str() + prefix.size(), nullptr, 10) * kibibyte;
    if (page_bytes > 0) sizes.push_back(read_size(entry.path(), page_bytes));
  }
  std::sort(sizes.begin(), sizes.end(),
            [](const HugePageSize& left, const HugePageSize& right) { return left.page_bytes > right.page_bytes; });
  return sizes;
}

Result<void> check_huge_pages(const std::vector<HugePageSize>& sizes, std::size_t needed_bytes) {
  const bool enough = std::any_of(sizes.begin(), sizes.end(), [&](const HugePageSize& size) {
    return size.available >= pages_for(needed_bytes, size.page_bytes);
  });
  if (enough) return {};
  return tl::unexpected(huge_page_error(sizes, needed_bytes));
}

Error huge_page_error(const std::vector<HugePageSize>& sizes, std::size_t needed_bytes) {
  if (sizes.empty()) {
    return make_error("reserve huge pages for DPDK", "this kernel has none", "run with --no-huge");
  }
  const auto usual = std::find_if(sizes.begin(), sizes.end(),
                                  [](const HugePageSize& size) { return size.page_bytes == usual_page_bytes; });
  const HugePageSize& size = usual == sizes.end() ? sizes.back() : *usual;
  const std::uint64_t needed = pages_for(needed_bytes, size.page_bytes);
  const std::uint64_t used = size.total > size.available ? size.total - size.available : 0;

  std::string reason = std::to_string(needed) + " huge pages of " + size_text(size.page_bytes) + " are needed, " +
                       std::to_string(size.available) + " are free";
  if (used > 0) reason += " (other programs hold " + std::to_string(used) + ")";
  return make_error("reserve huge pages for DPDK", std::move(reason),
                    "run 'scripts/hugepages.sh --apply reserve " + std::to_string(used + needed) +
                        "' as root, ask for less (-B), or run with --no-huge");
}

}  // namespace ringtail::dpdk
