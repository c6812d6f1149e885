// Names of capture files that the user did not spell out.
#pragma once

#include <string>
#include <string_view>

#include <ringtail/recorder.hpp>

namespace ringtail::tools {

/// A name that nothing has yet: "<directory>/ringtail_eth0_20261122065600_k3Xy9Q.pcapng". An empty directory means
/// $TMPDIR, or /tmp. `subject` is what is captured; what does not belong in a file name is replaced.
[[nodiscard]] std::string temporary_path(const std::string& directory, const std::string& subject, FileFormat format);

/// The file of one of several threads: "out.pcapng" becomes "out.0.pcapng".
[[nodiscard]] std::string path_of_thread(const std::string& path, unsigned thread);

}  // namespace ringtail::tools
