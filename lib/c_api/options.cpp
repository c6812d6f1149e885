#include "c_api/options.hpp"

#include <limits>

#include "c_api/boundary.hpp"

namespace ringtail::c_api {

namespace {

const char* text_or_empty(const char* text) {
  return text != nullptr ? text : "";
}

/// Takes values over one by one and remembers the first that did not fit.
class Narrowing {
 public:
  template <typename Target>
  Target narrow(const char* field, std::int64_t value, std::int64_t lowest = 0,
                std::int64_t highest = std::numeric_limits<Target>::max()) {
    if (value < lowest || value > highest) reject(field, value);
    return static_cast<Target>(value);
  }
  template <typename Enumeration>
  Enumeration choose(const char* field, std::int32_t value, Enumeration last) {
    if (value < 0 || value > static_cast<std::int32_t>(last)) reject(field, value);
    return static_cast<Enumeration>(value);
  }
  /// -1 is "not set".
  std::optional<std::uint16_t> optional(const char* field, std::int32_t value) {
    if (value == -1) return std::nullopt;
    return narrow<std::uint16_t>(field, value);
  }

  template <typename Options>
  Result<Options> result(Options options) {
    if (!fault_.empty()) return tl::unexpected(usage_error("read options", fault_));
    return options;
  }

 private:
  void reject(const char* field, std::int64_t value) {
    if (fault_.empty()) fault_ = std::string(field) + " cannot be " + std::to_string(value);
  }
  std::string fault_;
};

ringtail_open_options default_open_options() {
  const OpenOptions options;
  ringtail_open_options defaults = {};
  defaults.struct_bytes = sizeof defaults;
  defaults.buffer_bytes = options.buffer_bytes;
  defaults.block_bytes = options.block_bytes;
  defaults.snaplen = options.snaplen;
  defaults.retire_timeout_ms = static_cast<std::uint32_t>(options.retire_timeout.count());
  defaults.batch_packets = options.batch_packets;
  defaults.promiscuous = options.promiscuous ? 1 : 0;
  defaults.link_type = -1;
  defaults.lock_filter = options.lock_filter ? 1 : 0;
  defaults.numa_node = options.numa_node;
  defaults.fanout_mode = RINGTAIL_NO_FANOUT;
  defaults.fanout_group = -1;
  defaults.dpdk_huge_pages = options.dpdk.huge_pages ? 1 : 0;
  defaults.dpdk_queues = options.dpdk.queues;
  defaults.dpdk_queue = -1;
  defaults.dpdk_descriptors = options.dpdk.descriptors;
  return defaults;
}

ringtail_recorder_options default_recorder_options() {
  const RecorderOptions options;
  ringtail_recorder_options defaults = {};
  defaults.struct_bytes = sizeof defaults;
  defaults.flush_interval_ms = static_cast<std::uint32_t>(options.flush_interval.count());
  return defaults;
}

template <typename Value, typename Field>
void set_unless_zero(std::optional<Value>& target, Field value) {
  if (value != 0) target = Value(value);
}

}  // namespace

Result<OpenOptions> to_open_options(const ringtail_open_options* given) {
  const auto read = copy_in(given, default_open_options(), "ringtail_init_open_options()");
  if (!read) return tl::unexpected(read.error());
  Narrowing narrowing;
  OpenOptions options;
  options.filter = text_or_empty(read->filter);
  options.buffer_bytes = read->buffer_bytes;
  options.block_bytes = read->block_bytes;
  options.snaplen = read->snaplen;
  options.retire_timeout = std::chrono::milliseconds(read->retire_timeout_ms);
  options.batch_packets = read->batch_packets;
  options.promiscuous = read->promiscuous != 0;
  options.direction = narrowing.choose("direction", read->direction, Direction::out);
  options.timestamp_type = narrowing.choose("timestamp_type", read->timestamp_type, TimestampType::adapter_unsynced);
  options.link_type = narrowing.optional("link_type", read->link_type);
  options.wait_for_interface = read->wait_for_interface != 0;
  options.flow_hash = read->flow_hash != 0;
  options.lock_filter = read->lock_filter != 0;
  options.numa_node = read->numa_node;
  if (read->fanout_mode != RINGTAIL_NO_FANOUT) {
    options.fanout = Fanout{.mode = narrowing.choose("fanout_mode", read->fanout_mode, FanoutMode::queue_mapping),
                            .group = narrowing.optional("fanout_group", read->fanout_group),
                            .rollover_when_full = read->fanout_rollover != 0,
                            .defragment = read->fanout_defragment != 0};
  }
  options.dpdk.huge_pages = read->dpdk_huge_pages != 0;
  options.dpdk.eal_arguments = text_or_empty(read->dpdk_arguments);
  options.dpdk.file_prefix = text_or_empty(read->dpdk_file_prefix);
  options.dpdk.queues = narrowing.narrow<std::uint16_t>("dpdk_queues", read->dpdk_queues);
  options.dpdk.queue = narrowing.optional("dpdk_queue", read->dpdk_queue);
  options.dpdk.descriptors = narrowing.narrow<std::uint16_t>("dpdk_descriptors", read->dpdk_descriptors);
  options.dpdk.mtu = narrowing.narrow<std::uint16_t>("dpdk_mtu", read->dpdk_mtu);
  options.busy_poll = read->busy_poll != 0;
  options.dpdk.link_wait = std::chrono::milliseconds(read->dpdk_link_wait_ms);
  return narrowing.result(std::move(options));
}

Result<RecorderOptions> to_recorder_options(const ringtail_recorder_options* given) {
  const auto read = copy_in(given, default_recorder_options(), "ringtail_init_recorder_options()");
  if (!read) return tl::unexpected(read.error());
  if (read->path == nullptr) return tl::unexpected(usage_error("record", "no path is given"));
  Narrowing narrowing;
  RecorderOptions options;
  options.path = read->path;
  options.format = narrowing.choose("file_format", read->file_format, FileFormat::nsecpcap);
  options.group_readable = read->group_readable != 0;
  options.flush_interval = std::chrono::milliseconds(read->flush_interval_ms);
  set_unless_zero(options.sync_interval, read->sync_interval_s);
  if (read->rotate_duration_ms != 0) {
    options.rotation.duration = std::chrono::milliseconds(
        narrowing.narrow<std::int64_t>("rotate_duration_ms", static_cast<std::int64_t>(read->rotate_duration_ms)));
  }
  set_unless_zero(options.rotation.file_bytes, read->rotate_file_bytes);
  set_unless_zero(options.rotation.file_packets, read->rotate_file_packets);
  set_unless_zero(options.rotation.keep_files, read->keep_files);
  set_unless_zero(options.rotation.keep_bytes, read->keep_bytes);
  options.comment = text_or_empty(read->comment);
  return narrowing.result(std::move(options));
}

}  // namespace ringtail::c_api

void ringtail_init_open_options(ringtail_open_options* options, std::size_t struct_bytes) {
  ringtail::c_api::copy_out(ringtail::c_api::default_open_options(), options, struct_bytes);
  options->struct_bytes = struct_bytes;
}

void ringtail_init_recorder_options(ringtail_recorder_options* options, std::size_t struct_bytes) {
  ringtail::c_api::copy_out(ringtail::c_api::default_recorder_options(), options, struct_bytes);
  options->struct_bytes = struct_bytes;
}
