// The command line of `ringtail capture`. Letters and long names are dumpcap's where dumpcap has the option.
#include <fmt/format.h>
#include <initializer_list>
#include <utility>

#include "base/affinity.hpp"
#include "capture_conditions.hpp"
#include "capture_options.hpp"
#include "command_line.hpp"
#include "link_types.hpp"
#include "values.hpp"

namespace ringtail::tools {

namespace {

constexpr std::uint32_t largest_snaplen = 262144;
constexpr std::size_t bytes_per_MiB = std::size_t{1} << 20;

constexpr const char* examples =
    "  ringtail capture -i eth0 -w out.pcapng tcp port 443\n"
    "  ringtail capture -i eth0 -w ring.pcapng -b filesize:100000 -b files:10\n"
    "  ringtail capture -i eth0 -s 96 -i eth1 -c 1000 -w both.pcapng\n"
    "  ringtail capture -i eth0 --threads 4 --cpus 2-5 -w fast.pcapng\n"
    "  ringtail capture -i eth0 -w - | tshark -r -\n";

/// Binds options to `options_`; each function is a section of --help.
class CaptureCommandLine {
 public:
  explicit CaptureCommandLine(CaptureOptions& options) : options_(options) {
    describe(app_, examples);
    add_interface_options();
    add_output_options();
    add_stop_options();
    add_thread_options();
    tools::add_dpdk_options(app_, common_.dpdk);
    tools::add_busy_poll(app_, common_.busy_poll);
    add_other_options();
  }

  std::optional<int> read(Arguments arguments);

 private:
  void add_interface_options();
  void add_output_options();
  void add_stop_options();
  void add_thread_options();
  void add_other_options();

  /// No name is no wish for the default interface: it is what a script's unset variable leaves.
  void begin_interface(const std::string& device) {
    if (device.empty()) throw CommandLineError(usage_error("-i", "the name of the interface is empty"));
    options_.interfaces.push_back({device, options_.defaults});
  }

  /// Where -f -s -p -B -y go: the last interface, or all that come when there is none yet.
  OpenOptions& current() { return options_.interfaces.empty() ? options_.defaults : options_.interfaces.back().open; }

  /// An option with a value, handled at once and in the order of the command line.
  template <typename Handler>
  CLI::Option* add(const std::string& names, const std::string& value_name, Handler handler, const std::string& help) {
    return app_.add_option_function<std::string>(names, std::move(handler), help)
        ->type_name(value_name)
        ->trigger_on_parse()
        ->group(group_);
  }

  template <typename Handler>
  CLI::Option* add_flag(const std::string& names, Handler handler, const std::string& help) {
    return app_.add_flag_callback(names, std::move(handler), help)->trigger_on_parse()->group(group_);
  }

  CLI::Option* add_mode(const std::string& names, CaptureMode mode, const std::string& help) {
    return add_flag(
        names, [this, mode] { options_.mode = mode; }, help);
  }

  /// One of several words.
  template <typename Enum, typename Target>
  CLI::Option* add_choice(const std::string& name, Target& target,
                          std::initializer_list<std::pair<const char*, Enum>> choices, const std::string& help) {
    std::string words;
    for (const auto& choice : choices) words += (words.empty() ? "" : "|") + std::string(choice.first);
    const std::vector<std::pair<const char*, Enum>> known(choices);
    const auto handler = [name, known, words, &target](const std::string& text) {
      for (const auto& [word, value] : known) {
        if (text == word) return void(target = value);
      }
      throw CommandLineError(usage_error(name, "'" + text + "' is none of " + words));
    };
    return add(name, words, handler, help);
  }

  /// What holds for all interfaces, whatever stands where.
  template <typename Change>
  void for_all_interfaces(Change change) {
    change(options_.defaults);
    for (InterfaceOptions& interface : options_.interfaces) change(interface.open);
  }

  void apply_filter_words();
  void apply_common_options();

  CLI::App app_{"Record packets into pcapng or pcap files.", "ringtail capture"};
  CaptureOptions& options_;
  OpenOptions common_;  ///< options that hold for all interfaces; copied to each at the end
  std::vector<std::string> filter_words_;
  const char* group_ = "";
};

void CaptureCommandLine::add_interface_options() {
  group_ = "Interfaces (-f -s -p -B -y: of the -i before them, or of all)";
  add(
      "-i,--interface", "DEV", [this](const std::string& text) { begin_interface(text); },
      "eth0, any, a number of -D, file:PATH, dpdk:ARGS, ringtail:NAME; repeatable");
  add(
      "-f,--filter", "EXPR", [this](const std::string& text) { current().filter = text; },
      "pcap-filter text; words behind the options work too");
  add(
      "-s,--snapshot-length", "BYTES",
      [this](const std::string& text) {
        const auto bytes = value_or_throw(parse_whole("-s", text, 0, largest_snaplen));
        current().snaplen = bytes == 0 ? largest_snaplen : static_cast<std::uint32_t>(bytes);
      },
      "most bytes to keep of a packet; 0: all (default)");
  add_flag(
      "-p,--no-promiscuous-mode", [this] { current().promiscuous = false; }, "leave promiscuous mode off");
  add(
      "-B,--buffer-size", "MiB",
      [this](const std::string& text) {
        current().buffer_bytes = value_or_throw(parse_whole("-B", text, 1, 1 << 20)) * bytes_per_MiB;
      },
      "ring memory, shared by the interface's threads (default 64)");
  add(
      "-y,--linktype", "TYPE",
      [this](const std::string& text) { current().link_type = value_or_throw(parse_link_type(text)); },
      "link type; -L lists an interface's");
  add_choice<Direction>("--direction", common_.direction,
                        {{"in", Direction::in}, {"out", Direction::out}, {"inout", Direction::inout}},
                        "only packets that come in, or go out");
  add_choice<TimestampType>("--time-stamp-type", common_.timestamp_type,
                            {{"host", TimestampType::host},
                             {"adapter", TimestampType::adapter},
                             {"adapter_unsynced", TimestampType::adapter_unsynced}},
                            "whose clock");
  add_flag(
      "--wait", [this] { common_.wait_for_interface = true; },
      "carry on when an interface or a publisher goes, until it is back");
  app_.add_option("expression", filter_words_, "filter for all interfaces")->type_name("FILTER...");
  group_ = "Questions";
  add_mode("-D,--list-interfaces", CaptureMode::list_interfaces, "list interfaces and exit");
  add_mode("-L,--list-data-link-types", CaptureMode::list_link_types, "list an interface's link types and exit");
  add_mode("-d", CaptureMode::print_filter, "print the compiled filter and exit");
  add_mode("-S", CaptureMode::print_statistics, "print statistics once a second, write no file");
}

void CaptureCommandLine::add_output_options() {
  group_ = "Output";
  RecorderOptions& output = options_.output;
  add(
      "-w,--write", "PATH", [&output](const std::string& text) { output.path = text; },
      "- is stdout; without -w a new file in the temporary directory");
  add(
      "--temp-dir", "DIR", [this](const std::string& text) { options_.temporary_directory = text; },
      "the temporary directory (default $TMPDIR or /tmp)");
  add_choice<FileFormat>(
      "-F,--file-format", output.format,
      {{"pcapng", FileFormat::pcapng}, {"pcap", FileFormat::pcap}, {"nsecpcap", FileFormat::nsecpcap}},
      "default pcapng");
  add_flag(
      "-P", [&output] { output.format = FileFormat::pcap; }, "-F pcap");
  add_flag(
      "-n", [&output] { output.format = FileFormat::pcapng; }, "-F pcapng");
  add_flag(
      "-g", [&output] { output.group_readable = true; }, "files readable for the group: mode 0640, not 0600");
  add(
      "--capture-comment", "TEXT", [&output](const std::string& text) { output.comment = text; },
      "a comment for the file (pcapng)");
  add_choice<Writer>("--writer", output.writer,
                     {{"auto", Writer::automatic},
                      {"direct", Writer::direct},
                      {"splice", Writer::splice},
                      {"write", Writer::write},
                      {"mmap", Writer::mmap}},
                     "how bytes reach the file");
  add_choice<Layout>("--layout", output.layout,
                     {{"auto", Layout::automatic}, {"dilate", Layout::dilate}, {"compact", Layout::compact}},
                     "in place (dilate) or moved together (compact): ring blocks, and mbufs with --writer splice");
  add(
      "--flush-interval", "MS",
      [&output](const std::string& text) {
        output.flush_interval =
            std::chrono::milliseconds(value_or_throw(parse_whole("--flush-interval", text, 1, 3'600'000)));
      },
      "a packet waits at most this long for the file (default 500)");
  add(
      "--sync-interval", "S",
      [&output](const std::string& text) {
        output.sync_interval = std::chrono::seconds(value_or_throw(parse_whole("--sync-interval", text, 1, 86'400)));
      },
      "fdatasync this often (default: never)");
}

void CaptureCommandLine::add_stop_options() {
  group_ = "Stop conditions and ring of files";
  add(
      "-c", "COUNT",
      [this](const std::string& text) { options_.stop_after_packets = value_or_throw(parse_whole("-c", text)); },
      "stop after exactly this many packets");
  add(
      "-a,--autostop", "CONDITION",
      [this](const std::string& text) { value_or_throw(add_stop_condition(text, options_)); },
      "duration:S, filesize:kB, files:N, packets:N; repeatable");
  add(
      "-b,--ring-buffer", "CONDITION",
      [this](const std::string& text) { value_or_throw(add_ring_condition(text, options_.output.rotation)); },
      "next file after duration:S, interval:S, filesize:kB, packets:N; keep files:N, total:BYTES, free:PERCENT; "
      "printname:FILE; repeatable");
}

void CaptureCommandLine::add_thread_options() {
  group_ = "Rings and threads";
  add(
      "--threads", "N",
      [this](const std::string& text) {
        options_.threads = static_cast<std::uint16_t>(value_or_throw(parse_whole("--threads", text, 1, 256)));
      },
      "rings per interface, each with a thread and a file of its own: out.pcapng becomes out.0.pcapng and so on");
  add_flag(
      "--one-file", [this] { options_.one_file = true; },
      "all threads' packets into one file, by one more thread that writes it");
  add_choice<FanoutMode>("--fanout", options_.fanout,
                         {{"hash", FanoutMode::hash},
                          {"cpu", FanoutMode::cpu},
                          {"lb", FanoutMode::load_balance},
                          {"qm", FanoutMode::queue_mapping},
                          {"rnd", FanoutMode::random},
                          {"rollover", FanoutMode::rollover}},
                         "how packets are spread over them (default hash)");
  add(
      "--cpus", "LIST", [this](const std::string& text) { options_.cpus = value_or_throw(base::parse_cpu_list(text)); },
      "the threads' CPUs, as 0,2-5");
  add(
      "--numa", "auto|off|N",
      [this](const std::string& text) {
        if (text == "auto") return void(common_.numa_node = numa_automatic);
        if (text == "off") return void(common_.numa_node = numa_off);
        common_.numa_node = static_cast<int>(value_or_throw(parse_whole("--numa", text, 0, 1023)));
      },
      "node for memory and threads (default: the interface's)");
  add(
      "--block-size", "BYTES",
      [this](const std::string& text) {
        common_.block_bytes = value_or_throw(parse_whole("--block-size", text, 1, std::size_t{1} << 30));
      },
      "a power of two (default 1048576)");
  add(
      "--retire-timeout", "MS",
      [this](const std::string& text) {
        common_.retire_timeout =
            std::chrono::milliseconds(value_or_throw(parse_whole("--retire-timeout", text, 1, 10'000)));
      },
      "when a part-filled block is handed over (default 100)");
}

void CaptureCommandLine::add_other_options() {
  group_ = "Other";
  add_flag(
      "-q", [this] { options_.quiet = true; }, "no progress line");
  add(
      "-Z,--relinquish-privileges", "USER", [this](const std::string& text) { options_.user = text; },
      "become this user once everything is open");
  add(
      "--json", "PATH", [this](const std::string& text) { options_.json_path = text; },
      "write the summary here at exit; - is stdout");
}

void CaptureCommandLine::apply_filter_words() {
  if (filter_words_.empty()) return;
  const std::string filter = join_words(filter_words_);
  for_all_interfaces([&filter](OpenOptions& open) {
    if (!open.filter.empty()) {
      throw CommandLineError(usage_error("filter '" + filter + "'", "-f gives a filter already", "use one of the two"));
    }
    open.filter = filter;
  });
}

void CaptureCommandLine::apply_common_options() {
  for_all_interfaces([this](OpenOptions& open) {
    OpenOptions merged = common_;
    merged.filter = open.filter;
    merged.snaplen = open.snaplen;
    merged.promiscuous = open.promiscuous;
    merged.buffer_bytes = open.buffer_bytes;
    merged.link_type = open.link_type;
    open = merged;
  });
}

std::optional<int> CaptureCommandLine::read(Arguments arguments) {
  app_.final_callback([this] {
    apply_filter_words();
    apply_common_options();
    settle_conditions(options_);
    if (auto error = find_contradiction(options_)) throw CommandLineError(std::move(*error));
  });
  return parse_command_line(app_, arguments);
}

}  // namespace

std::optional<int> read_capture_options(Arguments arguments, CaptureOptions& options) {
  return CaptureCommandLine(options).read(arguments);
}

}  // namespace ringtail::tools
