// ringtail recover: makes capture files whole again after a crash.
#include "store/recover.hpp"

#include <cinttypes>
#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "command_line.hpp"
#include "version.hpp"

namespace ringtail::tools {
namespace {

struct Request {
  std::vector<std::string> files;
  std::string copy_to;
  bool dry_run = false;
  bool as_json = false;
};

std::optional<int> read_request(Arguments arguments, Request& request) {
  CLI::App app(
      "Make capture files whole again after a crash or a power cut: holes become filler blocks, what stands behind the "
      "last whole record is cut. A file that is fine is not touched.",
      "ringtail recover");
  describe(app,
           "  ringtail recover -n /captures/*.pcapng\n"
           "  ringtail recover broken.pcapng\n"
           "  ringtail recover -w whole.pcapng broken.pcapng\n");
  app.add_option("FILE", request.files, "pcapng or pcap")->required();
  app.add_flag("-n,--dry-run", request.dry_run, "only say what would be done; exit 1 when there is something to do");
  app.add_option("-w,--write", request.copy_to, "leave FILE as it is and write a whole copy here");
  app.add_flag("--json", request.as_json, "the account as JSON");
  if (const auto status = parse_command_line(app, arguments)) return status;
  if (request.copy_to.empty() || request.files.size() == 1) return std::nullopt;
  return report(usage_error("ringtail recover -w", "one copy cannot hold several files", "recover them one by one"));
}

/// "recovered: 54885 packets, 39803 before; 1052672 bytes of holes filled (... at byte 4096)"
std::string describe_recovery(const store::Recovery& recovery, const Request& request) {
  const pcapfile::Damage& damage = recovery.damage;
  if (damage.problem == nullptr) return fmt::format("fine, {} packets", damage.packets);
  std::string text = request.dry_run ? "would be recovered" : "recovered";
  text += fmt::format(": {} packets, {} before", damage.packets, damage.packets_before);
  if (!damage.holes.empty()) text += fmt::format("; {} bytes of holes filled", recovery.filled_bytes);
  if (recovery.cut_bytes > 0) text += fmt::format("; {} bytes cut behind the last whole record", recovery.cut_bytes);
  return text + fmt::format(" ({} at byte {})", damage.problem, damage.offset);
}

std::string state_of(const Result<store::Recovery>& recovery, const Request& request) {
  if (!recovery) return "failed";
  if (recovery->damage.problem == nullptr) return "fine";
  return request.dry_run ? "recoverable" : "recovered";
}

nlohmann::ordered_json to_json(const std::string& path, const Result<store::Recovery>& recovery,
                               const Request& request) {
  nlohmann::ordered_json account{{"path", path}, {"state", state_of(recovery, request)}};
  account["error"] = recovery ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(recovery.error().message());
  if (!recovery) return account;
  account["packets_before"] = recovery->damage.packets_before;
  account["packets"] = recovery->damage.packets;
  account["holes"] = recovery->damage.holes.size();
  account["filled_bytes"] = recovery->filled_bytes;
  account["cut_bytes"] = recovery->cut_bytes;
  return account;
}

}  // namespace

int run_recover(Arguments arguments) {
  Request request;
  if (const auto status = read_request(arguments, request)) return *status;
  store::RecoverOptions options{.dry_run = request.dry_run};
  if (!request.copy_to.empty()) options.copy_to = request.copy_to;

  int status = exit_done;
  nlohmann::ordered_json accounts = nlohmann::ordered_json::array();
  for (const std::string& path : request.files) {
    const Result<store::Recovery> recovery = store::recover_file(path, options);
    if (!recovery) status = report(recovery.error());
    if (recovery && request.dry_run && recovery->damage.problem != nullptr) status = exit_failed;
    if (request.as_json) {
      accounts.push_back(to_json(path, recovery, request));
    } else if (recovery) {
      fmt::print("{}: {}\n", path, describe_recovery(*recovery, request));
    }
  }
  if (request.as_json) {
    const nlohmann::ordered_json account{{"version", version()}, {"files", accounts}};
    fmt::print("{}\n", account.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
  }
  return status;
}

}  // namespace ringtail::tools
