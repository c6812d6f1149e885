#include "configuration.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <sstream>

#include "accounts.hpp"
#include "base/affinity.hpp"
#include "control/socket_path.hpp"
#include "flight_limits.hpp"
#include "table_reader.hpp"

namespace ringtail::daemon {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::round;

constexpr std::int64_t century_seconds = 100LL * 366 * 24 * 3600;

template <typename Target>
void assign(Target& target, const std::optional<std::int64_t>& value) {
  if (value) target = typename Target::value_type(*value);
}

/// "eth0", "eth0+eth1"; devices of other kinds by their kind.
std::string interface_text(const std::vector<std::string>& devices) {
  std::string text;
  for (const std::string& device : devices) text += (text.empty() ? "" : "+") + device.substr(0, device.find(':'));
  return text;
}

/// Whether either of two could take the other's files for its own.
bool has_such_names(const store::NameTemplate& names, const store::StorageOptions& other) {
  const auto others = store::NameTemplate::parse(other.file_name, other.capture, other.interface);
  const std::time_t now = std::time(nullptr);
  return others && (names.sequence_of(others->name(1, now)) || others->sequence_of(names.name(1, now)));
}

/// The parts of the configuration, each read by a function of its own.
class ConfigurationReader {
 public:
  ConfigurationReader(const std::string& file, Configuration& result)
      : file_(file), result_(result), settings_(result.settings), mistakes_(result.mistakes) {}

  void read(const toml::table& root);

 private:
  TableReader reader(const toml::table& table, std::string path) const {
    return {table, std::move(path), file_, mistakes_};
  }

  void read_metrics(const toml::table& table);
  void read_access(const toml::table& table);
  void read_capture(const toml::table& table);
  void read_sources(TableReader& keys, CaptureSettings& capture);
  void read_threads(TableReader& keys, CaptureSettings& capture);
  void read_dpdk(const toml::table& table, OpenOptions& open);
  void read_output(TableReader& keys, CaptureSettings& capture);
  void read_storage(const toml::table& table, CaptureSettings& capture);
  void read_share(const toml::table& table, ShareSettings& share);
  void read_rotation(TableReader& keys, CaptureSettings& capture);
  void read_quota(TableReader& keys, store::Quota& quota);
  void read_flight(const toml::table& table, CaptureSettings& capture);
  void find_contradictions(TableReader& keys, const CaptureSettings& capture);

  const std::string& file_;
  Configuration& result_;
  Settings& settings_;
  std::vector<std::string>& mistakes_;
};

void ConfigurationReader::read(const toml::table& root) {
  TableReader keys = reader(root, "");
  keys.text("run_dir", settings_.run_directory);
  keys.text("user", settings_.user);
  result_.place_of_user = keys.place_of("user");
  keys.choice<const char*>("log_level", settings_.log_level,
                           {{"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}});
  if (const toml::table* metrics = keys.table("metrics")) read_metrics(*metrics);
  for (const toml::table* access : keys.tables("access")) read_access(*access);
  for (const toml::table* capture : keys.tables("capture")) read_capture(*capture);
  if (!keys.has("capture")) keys.mistake("capture", "there is nothing to capture: add a [[capture]]");
  keys.refuse_the_rest();
}

void ConfigurationReader::read_metrics(const toml::table& table) {
  TableReader keys = reader(table, "metrics");
  MetricsAddress address;
  keys.text("host", address.host);
  keys.number("port", address.port, 0, 65535);
  if (!keys.has("port")) keys.mistake("port", "metrics need a port");
  keys.refuse_the_rest();
  settings_.metrics = std::move(address);
}

void ConfigurationReader::read_access(const toml::table& table) {
  TableReader keys = reader(table, "access");
  AccessRule rule;
  std::string user;
  std::string group;
  std::vector<std::string> operations;
  keys.text("user", user);
  keys.text("group", group);
  keys.texts("operations", operations);
  if (!user.empty()) rule.user = user_named(user);
  if (!group.empty()) rule.group = group_named(group);
  if (!user.empty() && !rule.user) keys.mistake("user", "there is no user " + user);
  if (!group.empty() && !rule.group) keys.mistake("group", "there is no group " + group);
  if (user.empty() == group.empty()) keys.mistake("user", "either a user or a group is needed");
  for (const std::string& name : operations) {
    const auto operation = control::operation_named(name);
    if (operation) rule.operations.insert(*operation);
    if (!operation) keys.mistake("operations", "there is no operation " + name);
  }
  keys.refuse_the_rest();
  settings_.access.push_back(std::move(rule));
}

void ConfigurationReader::read_capture(const toml::table& table) {
  TableReader keys = reader(table, "capture");
  CaptureSettings capture;
  read_sources(keys, capture);
  read_threads(keys, capture);
  if (const toml::table* dpdk = keys.table("dpdk")) read_dpdk(*dpdk, capture.open);
  read_output(keys, capture);
  const toml::table* storage = keys.table("storage");
  if (storage != nullptr) read_storage(*storage, capture);
  const toml::table* share = keys.table("share");
  if (share != nullptr) read_share(*share, capture.share);
  if (const toml::table* flight = keys.table("flight")) read_flight(*flight, capture);
  if (storage == nullptr && !capture.flight && (share == nullptr || !capture.share.enabled)) {
    keys.mistake("storage", "files need a directory: add [capture.storage], or [capture.share] to lend packets only");
  }
  find_contradictions(keys, capture);
  keys.refuse_the_rest();
  settings_.captures.push_back(std::move(capture));
  const bool has_flight = table["flight"].is_table();
  const TableReader flight_keys = reader(has_flight ? *table["flight"].as_table() : table, "capture.flight");
  result_.places.push_back({.filter = keys.place_of("filter"),
                            .ring = keys.place_of("block_bytes"),
                            .cpus = keys.place_of("cpus"),
                            .trigger = flight_keys.place_of("trigger")});
}

void ConfigurationReader::read_sources(TableReader& keys, CaptureSettings& capture) {
  keys.text("name", capture.name);
  keys.texts("interfaces", capture.devices);
  if (capture.devices.empty()) {
    keys.mistake("interfaces", "at least one interface is needed");
  } else if (capture.devices.size() > most_devices) {
    keys.mistake("interfaces", fmt::format("{} interfaces are the most", most_devices));
  } else if (capture.name.empty()) {
    capture.name = interface_text(capture.devices);
    for (char& character : capture.name) character = character == '+' ? '_' : character;
  }
  if (!capture.devices.empty() && !control::is_capture_name(capture.name)) {
    keys.mistake("name", "'" + capture.name + "' is no name: up to 64 letters, digits, '.', '_' and '-' are");
  }
  for (const CaptureSettings& other : settings_.captures) {
    if (other.name == capture.name) keys.mistake("name", "another capture is called " + capture.name);
  }
  OpenOptions& open = capture.open;
  keys.text("filter", open.filter);
  keys.number("snaplen", open.snaplen, 1, 262144);
  keys.flag("promiscuous", open.promiscuous);
  if (const auto mebibytes = keys.whole("buffer_mib", 1, 1 << 20)) {
    open.buffer_bytes = static_cast<std::size_t>(*mebibytes) << 20;
  }
  keys.number("block_bytes", open.block_bytes, 4096, 1 << 30);
  if (const auto ms = keys.whole("retire_timeout_ms", 1, 10'000)) open.retire_timeout = milliseconds(*ms);
  keys.choice<Direction>("direction", open.direction,
                         {{"in", Direction::in}, {"out", Direction::out}, {"inout", Direction::inout}});
  keys.choice<TimestampType>("timestamps", open.timestamp_type,
                             {{"host", TimestampType::host},
                              {"adapter", TimestampType::adapter},
                              {"adapter_unsynced", TimestampType::adapter_unsynced}});
}

void ConfigurationReader::read_threads(TableReader& keys, CaptureSettings& capture) {
  keys.number("threads", capture.threads, 1, 256);
  FanoutMode mode = FanoutMode::hash;
  keys.choice<FanoutMode>("fanout", mode,
                          {{"hash", FanoutMode::hash},
                           {"cpu", FanoutMode::cpu},
                           {"lb", FanoutMode::load_balance},
                           {"qm", FanoutMode::queue_mapping},
                           {"rnd", FanoutMode::random},
                           {"rollover", FanoutMode::rollover}});
  if (capture.threads > 1) capture.open.fanout = Fanout{.mode = mode};
  std::string cpus;
  keys.text_or_whole("cpus", cpus);
  if (!cpus.empty()) {
    auto list = base::parse_cpu_list(cpus);
    if (!list) keys.mistake("cpus", list.error().reason);
    if (list) capture.cpus = std::move(*list);
  }
  if (bool writer_thread = false; keys.has("writer_thread")) {
    keys.flag("writer_thread", writer_thread);
    capture.writer_thread = writer_thread;
  }
  std::string numa = "auto";
  keys.text_or_whole("numa", numa);
  if (numa == "off") {
    capture.open.numa_node = numa_off;
  } else if (numa != "auto") {
    const bool digits = !numa.empty() && numa.size() < 4 && numa.find_first_not_of("0123456789") == std::string::npos;
    if (digits) capture.open.numa_node = std::stoi(numa);
    if (!digits) keys.mistake("numa", "'" + numa + "' is none of auto, off and the number of a node");
  }
}

void ConfigurationReader::read_dpdk(const toml::table& table, OpenOptions& open) {
  TableReader keys = reader(table, "capture.dpdk");
  DpdkOptions& dpdk = open.dpdk;
  keys.text("eal_arguments", dpdk.eal_arguments);
  keys.flag("huge_pages", dpdk.huge_pages);
  keys.text("file_prefix", dpdk.file_prefix);
  keys.number("descriptors", dpdk.descriptors, 64, 32768);
  keys.number("mtu", dpdk.mtu, 68, 65535);
  keys.flag("busy_poll", open.busy_poll);
  keys.refuse_the_rest();
}

void ConfigurationReader::read_output(TableReader& keys, CaptureSettings& capture) {
  keys.flag("ordered", capture.ordered);
  if (capture.ordered) capture.open.batch_packets = 4096;  // fewer to hold while others are waited for
  RecorderOptions& output = capture.output;
  output.application = "ringtaild";
  keys.choice<FileFormat>(
      "format", output.format,
      {{"pcapng", FileFormat::pcapng}, {"pcap", FileFormat::pcap}, {"nsecpcap", FileFormat::nsecpcap}});
  keys.choice<Writer>("writer", output.writer,
                      {{"auto", Writer::automatic},
                       {"direct", Writer::direct},
                       {"splice", Writer::splice},
                       {"write", Writer::write},
                       {"mmap", Writer::mmap}});
  keys.choice<Layout>("layout", output.layout,
                      {{"auto", Layout::automatic}, {"dilate", Layout::dilate}, {"compact", Layout::compact}});
  if (const auto ms = keys.whole("flush_interval_ms", 1, 3'600'000)) output.flush_interval = milliseconds(*ms);
  if (const auto s = keys.whole("sync_interval_seconds", 1, 86'400)) output.sync_interval = std::chrono::seconds(*s);
}

void ConfigurationReader::read_storage(const toml::table& table, CaptureSettings& capture) {
  TableReader keys = reader(table, "capture.storage");
  store::StorageOptions& storage = capture.storage;
  storage.capture = capture.name;
  storage.interface = interface_text(capture.devices);
  storage.format = capture.output.format;
  if (storage.format != FileFormat::pcapng) storage.file_name = "{capture}_{sequence}_%Y%m%dT%H%M%S.pcap";
  keys.text("directory", storage.directory);
  if (storage.directory.empty()) keys.mistake("directory", "a directory is needed");
  keys.text("file_name", storage.file_name);
  const auto names = store::NameTemplate::parse(storage.file_name, storage.capture, storage.interface);
  if (!names) keys.mistake("file_name", names.error().message());
  for (const CaptureSettings& other : settings_.captures) {
    if (!names || other.name == capture.name || other.storage.directory != storage.directory) continue;
    if (!has_such_names(*names, other.storage)) continue;
    keys.mistake("file_name", fmt::format("{} has files of such names in that directory, and each would delete the "
                                          "other's; put {{capture}} into it",
                                          other.name));
  }
  keys.flag("group_readable", storage.group_readable);
  keys.choice<store::Compression>("compress", storage.compression,
                                  {{"none", store::Compression::none}, {"zstd", store::Compression::zstd}});
  read_rotation(keys, capture);
  read_quota(keys, storage.quota);
  keys.refuse_the_rest();
}

void ConfigurationReader::read_share(const toml::table& table, ShareSettings& share) {
  TableReader keys = reader(table, "capture.share");
  keys.flag("enabled", share.enabled);
  keys.number("memory_mib", share.memory_mib, 4, 1 << 15);
  keys.number("clients", share.clients, 1, 64);
  if (const auto ms = keys.whole("hold_limit_ms", 1, 3'600'000)) share.hold_limit = milliseconds(*ms);
  read_users(keys, "users", share.users);
  read_groups(keys, "groups", share.groups);
  read_users(keys, "ring_users", share.ring_users);
  read_groups(keys, "ring_groups", share.ring_groups);
  keys.refuse_the_rest();
}

void ConfigurationReader::read_rotation(TableReader& keys, CaptureSettings& capture) {
  Rotation& rotation = capture.output.rotation;
  assign(rotation.file_bytes, keys.whole("rotate_bytes", 4096));
  assign(rotation.file_packets, keys.whole("rotate_packets", 1));
  assign(rotation.interval, keys.whole("rotate_at_seconds", 1, 7 * 24 * 3600));
  if (const auto s = keys.decimal("rotate_seconds", century_seconds)) {
    rotation.duration = std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(*s));
  }
}

void ConfigurationReader::read_quota(TableReader& keys, store::Quota& quota) {
  assign(quota.bytes, keys.whole("quota_bytes", 1));
  if (const auto percent = keys.decimal("quota_disk_percent", 100)) quota.disk_percent = percent;
  if (const auto percent = keys.decimal("quota_free_percent", 100)) quota.free_percent = percent;
  assign(quota.age, keys.whole("quota_age_seconds", 1, century_seconds));
}

void ConfigurationReader::read_flight(const toml::table& table, CaptureSettings& capture) {
  TableReader keys = reader(table, "capture.flight");
  FlightSettings& flight = capture.flight.emplace();
  const auto seconds_of = [&keys](const char* key, double most, nanoseconds& target) {
    if (const auto s = keys.decimal(key, most)) target = round<nanoseconds>(std::chrono::duration<double>(*s));
  };
  constexpr double day_seconds = 24 * 3600;
  seconds_of("seconds", day_seconds, flight.age);
  assign(flight.bytes, keys.whole("bytes", 1 << 16));
  keys.text("trigger", flight.trigger);
  seconds_of("trigger_delay_seconds", day_seconds, flight.trigger_delay);
  seconds_of("hold_off_seconds", day_seconds, flight.hold_off);
  if (!flight.trigger.empty() && capture.storage.directory.empty()) {
    keys.mistake("trigger", "the files it makes need a directory: add [capture.storage]");
  }
  if (capture.output.rotation.is_on()) {
    keys.mistake("seconds", "a flight recorder writes one file a dump: the rotate_... of its storage mean nothing");
  }
  if (capture.ordered) keys.mistake("seconds", "a dump is in the order of reception: ordered means nothing");
  for (const std::string& device : capture.devices) {
    if (device.starts_with("dpdk:"))
      keys.mistake("seconds", "packets are kept in kernel rings, and not from " + device);
  }
  if (capture.open.timestamp_type == TimestampType::adapter_unsynced) {
    keys.mistake("seconds", "a dump goes by the time of day: adapter_unsynced says nothing of that");
  }
  if (const auto problem = fit_ring_to_flight(capture)) keys.mistake("seconds", *problem);
  keys.refuse_the_rest();
}

void ConfigurationReader::find_contradictions(TableReader& keys, const CaptureSettings& capture) {
  if (capture.output.format != FileFormat::pcapng && capture.output.layout == Layout::dilate) {
    keys.mistake("layout", "classic pcap cannot be dilated: it has nothing that readers skip");
  }
  if (capture.ordered && capture.output.layout != Layout::automatic) {
    keys.mistake("layout", "packets that are put in order are copied; nothing is left to lay out");
  }
  if (capture.writer_thread == true && !capture.writes_files()) {
    keys.mistake("writer_thread", "nothing is written all the time, so there is nothing for it to do");
  }
  if (keys.has("fanout") && capture.threads == 1) keys.mistake("fanout", "there is one thread, and nothing to spread");
  for (const std::string& device : capture.devices) {
    if (device.starts_with("file:")) keys.mistake("interfaces", device + " is a file, and no interface");
    if (std::ranges::count(capture.devices, device) > 1) {
      return keys.mistake("interfaces", device + " is there twice: every packet would be");
    }
  }
}

}  // namespace

Configuration parse_configuration(std::string_view text, const std::string& name) {
  Configuration result;
  try {
    const toml::table root = toml::parse(text);
    ConfigurationReader(name, result).read(root);
  } catch (const toml::parse_error& error) {
    result.mistakes.push_back(fmt::format("{}:{}: {}", name, error.source().begin.line, error.description()));
  }
  return result;
}

Configuration read_configuration(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (file) return parse_configuration(text.str(), path);
  Configuration result;
  result.mistakes.push_back(fmt::format("{}: {}", path, std::strerror(errno)));  // NOLINT(concurrency-mt-unsafe)
  return result;
}

}  // namespace ringtail::daemon
