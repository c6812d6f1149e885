#include "store/name_list.hpp"

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <unistd.h>
#include <utility>

#include "store/file_io.hpp"
#include "store/output_file.hpp"

namespace ringtail::store {

Result<NameList> NameList::open(const std::string& target, bool group_readable) {
  NameList names;
  if (target.empty()) return names;
  if (target == "stderr") {
    names.descriptor_ = base::FileDescriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0));
    if (!names.descriptor_.is_open()) return tl::unexpected(system_error("open stderr", errno));
    return names;
  }
  auto file = open_output(target, group_readable);
  if (!file) return tl::unexpected(std::move(file.error()));
  names.descriptor_ = std::move(file->descriptor);
  return names;
}

void NameList::print(const std::string& path) {
  if (!descriptor_.is_open()) return;
  const std::string line = path + "\n";
  (void)write_all(descriptor_.get(), std::as_bytes(std::span(line)));
}

}  // namespace ringtail::store
