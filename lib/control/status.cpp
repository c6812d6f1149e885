#include <nlohmann/json.hpp>
#include <type_traits>

#include "control/status_json.hpp"

namespace ringtail::control {

namespace {

using nlohmann::json;

// One list of members for both directions: `visit` is given each name with the member.
template <typename Status, typename Visitor>
void visit_source(Status& source, Visitor&& visit) {
  visit("name", source.name);
  visit("backend", source.backend);
  visit("present", source.present);
  visit("received", source.received);
  visit("delivered", source.delivered);
  visit("dropped_ring", source.dropped_ring);
  visit("unread", source.unread);
  visit("most_unread", source.most_unread);
  visit("dropped_interface", source.dropped_interface);
  visit("freezes", source.freezes);
  visit("truncated", source.truncated);
  visit("malformed", source.malformed);
  visit("lost", source.lost);
}

template <typename Status, typename Visitor>
void visit_storage(Status& storage, Visitor&& visit) {
  visit("directory", storage.directory);
  visit("file", storage.file);
  visit("files", storage.files);
  visit("bytes", storage.bytes);
  visit("quota_bytes", storage.quota_bytes);
  visit("files_deleted", storage.files_deleted);
  visit("free_percent", storage.free_percent);
}

template <typename Status, typename Visitor>
void visit_compression(Status& compression, Visitor&& visit) {
  visit("enabled", compression.enabled);
  visit("files", compression.files);
  visit("input_bytes", compression.input_bytes);
  visit("output_bytes", compression.output_bytes);
  visit("waiting_files", compression.waiting_files);
  visit("waiting_bytes", compression.waiting_bytes);
}

template <typename Status, typename Visitor>
void visit_share(Status& share, Visitor&& visit) {
  visit("enabled", share.enabled);
  visit("admitted", share.admitted);
  visit("refused", share.refused);
  visit("evicted", share.evicted);
  visit("broken", share.broken);
  visit("lent_packets", share.lent_packets);
  visit("skipped_packets", share.skipped_packets);
  visit("copied_bytes", share.copied_bytes);
}

template <typename Status, typename Visitor>
void visit_client(Status& client, Visitor&& visit) {
  visit("name", client.name);
  visit("pid", client.pid);
  visit("number", client.number);
  visit("uid", client.uid);
  visit("filter", client.filter);
  visit("group", client.group);
  visit("reads_rings", client.reads_rings);
  visit("lent_packets", client.lent_packets);
  visit("skipped_packets", client.skipped_packets);
  visit("held_slots", client.held_slots);
  visit("credit", client.credit);
}

template <typename Status, typename Visitor>
void visit_flight(Status& flight, Visitor&& visit) {
  visit("seconds", flight.seconds);
  visit("held_seconds", flight.held_seconds);
  visit("held_packets", flight.held_packets);
  visit("held_bytes", flight.held_bytes);
  visit("held_limit_bytes", flight.held_limit_bytes);
  visit("expired_packets", flight.expired_packets);
  visit("dumps", flight.dumps);
  visit("dumps_failed", flight.dumps_failed);
  visit("triggers", flight.triggers);
}

template <typename Status, typename Visitor>
void visit_capture(Status& status, Visitor&& visit) {
  visit("name", status.name);
  visit("version", status.version);
  visit("state", status.state);
  visit("pid", status.pid);
  visit("elapsed_seconds", status.elapsed_seconds);
  visit("silent_seconds", status.silent_seconds);
  visit("filter", status.filter);
  visit("delivered", status.delivered);
  visit("written_packets", status.recorded.written_packets);
  visit("dropped_writer", status.recorded.dropped_writer);
  visit("discarded_paused", status.discarded_paused);
  visit("waiting_packets", status.waiting_packets);
  visit("late_packets", status.late_packets);
  visit("captured_bytes", status.recorded.captured_bytes);
  visit("written_bytes", status.recorded.written_bytes);
  visit("files_total", status.recorded.files_total);
  visit("writer", status.writer);
}

template <typename Status, typename Visitor>
void visit_layout(Status& status, Visitor&& visit) {
  visit("dilated_chunks", status.recorded.dilated_chunks);
  visit("compacted_chunks", status.recorded.compacted_chunks);
  visit("copied_bytes", status.recorded.copied_bytes);
}

template <typename Status, typename Visitor>
void visit_write_latency(Status& latency, Visitor&& visit) {
  visit("chunks", latency.chunks);
  visit("p50_seconds", latency.p50_seconds);
  visit("p99_seconds", latency.p99_seconds);
}

template <typename Status, typename Visitor>
void visit_cpu(Status& status, Visitor&& visit) {
  visit("user", status.user_seconds);
  visit("system", status.system_seconds);
}

auto writes_to(json& object) {
  return [&object](const char* name, const auto& member) { object[name] = member; };
}

template <typename Member>
void read_member(const json& value, Member& member) {
  if constexpr (std::is_same_v<Member, std::string>) {
    if (value.is_string()) member = value.get<std::string>();
  } else if constexpr (std::is_same_v<Member, bool>) {
    if (value.is_boolean()) member = value.get<bool>();
  } else {
    if (value.is_number()) member = value.get<Member>();
  }
}

auto reads_from(const json& object) {
  return [&object](const char* name, auto& member) {
    if (!object.is_object()) return;
    if (const auto found = object.find(name); found != object.end()) read_member(*found, member);
  };
}

json part(const json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && found != object.end() ? *found : json();
}

}  // namespace

json to_json(const CaptureStatus& status) {
  json object = json::object();
  visit_capture(status, writes_to(object));
  visit_layout(status, writes_to(object["layout"]));
  visit_write_latency(status.write_latency, writes_to(object["write_latency"]));
  visit_cpu(status, writes_to(object["cpu_seconds"]));
  visit_storage(status.storage, writes_to(object["storage"]));
  visit_compression(status.storage.compression, writes_to(object["storage"]["compression"]));
  if (status.flight.seconds > 0) visit_flight(status.flight, writes_to(object["flight"]));
  json& sources = object["sources"] = json::array();
  for (const SourceStatus& source : status.sources) visit_source(source, writes_to(sources.emplace_back()));
  visit_share(status.share, writes_to(object["share"]));
  json& clients = object["share"]["clients"] = json::array();
  for (const ClientStatus& client : status.share.clients) visit_client(client, writes_to(clients.emplace_back()));
  object["error"] = status.error.empty() ? json() : json(status.error);
  return object;
}

CaptureStatus status_of(const json& value) {
  CaptureStatus status;
  visit_capture(status, reads_from(value));
  visit_layout(status, reads_from(part(value, "layout")));
  visit_write_latency(status.write_latency, reads_from(part(value, "write_latency")));
  visit_cpu(status, reads_from(part(value, "cpu_seconds")));
  const json storage = part(value, "storage");
  visit_storage(status.storage, reads_from(storage));
  visit_compression(status.storage.compression, reads_from(part(storage, "compression")));
  visit_flight(status.flight, reads_from(part(value, "flight")));
  read_member(part(value, "error"), status.error);
  const json sources = part(value, "sources");
  if (sources.is_array()) {
    for (const json& source : sources) visit_source(status.sources.emplace_back(), reads_from(source));
  }
  const json share = part(value, "share");
  visit_share(status.share, reads_from(share));
  const json clients = part(share, "clients");
  if (!clients.is_array()) return status;
  for (const json& client : clients) visit_client(status.share.clients.emplace_back(), reads_from(client));
  return status;
}

std::string to_json_text(const CaptureStatus& status) {
  return to_json(status).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace ringtail::control
