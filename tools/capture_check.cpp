// Combinations of options that cannot be had.
#include <algorithm>

#include "capture_options.hpp"
#include "devices.hpp"

namespace ringtail::tools {

namespace {

constexpr const char* standard_output = "-";

std::optional<Error> find_output_contradiction(const CaptureOptions& options) {
  const RecorderOptions& output = options.output;
  const Rotation& rotation = output.rotation;
  const bool to_stdout = output.path == standard_output;
  const bool switches = rotation.duration || rotation.interval || rotation.file_bytes || rotation.file_packets;
  if (to_stdout && options.json_path == standard_output) {
    return usage_error("--json -", "-w - writes packets to standard output already", "give one of them a file");
  }
  if (to_stdout && rotation.is_on()) {
    return usage_error("-b", "standard output is one file", "give a file name with -w");
  }
  if ((rotation.is_on() || output.stop_after_files) && !switches) {
    return usage_error(output.stop_after_files ? "-a files" : "-b", "nothing says when to go on to the next file",
                       "add -b duration, interval, filesize or packets");
  }
  if (rotation.print_names_to == standard_output && options.json_path == standard_output) {
    return usage_error("--json -", "-b printname writes names to standard output already", "give one of them a file");
  }
  if (output.format != FileFormat::pcapng && output.layout == Layout::dilate) {
    return usage_error("--layout dilate", "classic pcap has nothing that readers skip", "use compact, or -F pcapng");
  }
  if (output.format != FileFormat::pcapng && !output.comment.empty()) {
    return usage_error("--capture-comment", "classic pcap has no comments", "use -F pcapng");
  }
  return std::nullopt;
}

std::optional<Error> find_thread_contradiction(const CaptureOptions& options) {
  if (options.threads == 1) {
    if (!options.fanout) return std::nullopt;
    return usage_error("--fanout", "there is one thread only, and nothing to spread", "add --threads N");
  }
  if (options.output.path == standard_output && !options.one_file) {
    return usage_error("--threads", "each thread writes a file of its own and standard output is one",
                       "give a file name with -w, or --one-file");
  }
  const auto other = std::find_if(options.interfaces.begin(), options.interfaces.end(),
                                  [](const InterfaceOptions& each) { return !has_fanout(each.device); });
  if (other == options.interfaces.end()) return std::nullopt;
  return usage_error("--threads", other->device + " is no network interface whose packets could be spread");
}

}  // namespace

std::optional<Error> find_contradiction(const CaptureOptions& options) {
  if (options.mode != CaptureMode::record) return std::nullopt;
  if (auto error = find_output_contradiction(options)) return error;
  return find_thread_contradiction(options);
}

}  // namespace ringtail::tools
