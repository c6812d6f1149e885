#include "control/message.hpp"

#include <nlohmann/json.hpp>

#include "control/status_json.hpp"

namespace ringtail::control {

namespace {

using nlohmann::json;

struct OperationName {
  Operation operation;
  std::string_view name;
};

constexpr OperationName operation_names[] = {
    {Operation::stat, "stat"},     {Operation::pause, "pause"},   {Operation::resume, "resume"},
    {Operation::rotate, "rotate"}, {Operation::filter, "filter"}, {Operation::dump, "dump"},
    {Operation::reload, "reload"}, {Operation::stop, "stop"},
};

tl::unexpected<Error> refuse(const std::string& reason) {
  return tl::unexpected(make_error("read a control message", reason));
}

/// A message of our version, or why not. Nothing here throws: members are looked at before they are used.
Result<json> parse_message(std::string_view line) {
  json message = json::parse(line, nullptr, false);
  if (message.is_discarded()) return refuse("it is not JSON");
  if (!message.is_object()) return refuse("it is not a JSON object");
  const auto version = message.find("version");
  if (version == message.end() || !version->is_number_integer()) return refuse("it has no version");
  if (*version != protocol_version) {
    return refuse("version " + version->dump() + " is not spoken here, " + std::to_string(protocol_version) + " is");
  }
  return message;
}

/// No number, no limit; one that makes no sense is refused rather than taken for all or nothing.
Result<std::optional<double>> last_seconds_in(const json& message) {
  const auto last = message.find("last_seconds");
  if (last == message.end()) return std::nullopt;
  constexpr double century = 100.0 * 366 * 24 * 3600;
  const double seconds = last->is_number() ? last->get<double>() : 0;
  if (seconds > 0 && seconds <= century) return seconds;
  return refuse("last_seconds is no number of seconds");
}

DumpReport dump_report_of(const json& value) {
  DumpReport report;
  const auto number = [&value](const char* name, std::uint64_t& member) {
    const auto found = value.find(name);
    if (found != value.end() && found->is_number_unsigned()) member = found->get<std::uint64_t>();
  };
  if (!value.is_object()) return report;
  number("packets", report.packets);
  number("bytes", report.bytes);
  if (const auto path = value.find("path"); path != value.end() && path->is_string()) {
    report.path = path->get<std::string>();
  }
  return report;
}

/// Text that came from elsewhere may be no UTF-8; what is not becomes U+FFFD.
std::string to_line(const json& message) {
  return message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string_view name_of(Operation operation) noexcept {
  for (const OperationName& each : operation_names) {
    if (each.operation == operation) return each.name;
  }
  return {};
}

std::optional<Operation> operation_named(std::string_view name) noexcept {
  for (const OperationName& each : operation_names) {
    if (each.name == name) return each.operation;
  }
  return std::nullopt;
}

std::string encode(const Request& request) {
  json message = {{"version", protocol_version}, {"operation", name_of(request.operation)}};
  if (request.operation == Operation::filter) message["filter"] = request.filter;
  if (request.operation == Operation::dump && request.last_seconds) message["last_seconds"] = *request.last_seconds;
  return to_line(message);
}

Result<Request> decode_request(std::string_view line) {
  const auto message = parse_message(line);
  if (!message) return tl::unexpected(message.error());
  const auto operation = message->find("operation");
  if (operation == message->end() || !operation->is_string()) return refuse("it names no operation");
  const auto known = operation_named(operation->get_ref<const std::string&>());
  if (!known) return refuse("there is no operation " + operation->dump(-1, ' ', true, json::error_handler_t::replace));
  Request request{.operation = *known};
  if (request.operation == Operation::dump) {
    auto last_seconds = last_seconds_in(*message);
    if (!last_seconds) return tl::unexpected(std::move(last_seconds.error()));
    request.last_seconds = *last_seconds;
  }
  if (request.operation != Operation::filter) return request;
  const auto filter = message->find("filter");
  if (filter == message->end() || !filter->is_string()) return refuse("it has no filter");
  request.filter = filter->get<std::string>();
  if (request.filter.find('\0') != std::string::npos) return refuse("the filter has a zero byte in it");
  return request;
}

std::string encode(const Answer& answer) {
  json message = {{"version", protocol_version}, {"ok", answer.ok()}};
  if (answer.error) message["error"] = *answer.error;
  if (answer.status) message["status"] = to_json(*answer.status);
  if (answer.dump) {
    message["dump"] = {{"packets", answer.dump->packets}, {"bytes", answer.dump->bytes}, {"path", answer.dump->path}};
  }
  return to_line(message);
}

Result<Answer> decode_answer(std::string_view line) {
  const auto message = parse_message(line);
  if (!message) return tl::unexpected(message.error());
  const auto ok = message->find("ok");
  if (ok == message->end() || !ok->is_boolean()) return refuse("it does not say whether it was done");
  Answer answer;
  if (!ok->get<bool>()) {
    const auto error = message->find("error");
    const bool told = error != message->end() && error->is_string();
    answer.error = told ? error->get<std::string>() : "it was not done";
  }
  if (const auto status = message->find("status"); status != message->end()) answer.status = status_of(*status);
  if (const auto dump = message->find("dump"); dump != message->end()) answer.dump = dump_report_of(*dump);
  return answer;
}

}  // namespace ringtail::control
