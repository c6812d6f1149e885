// The summary's JSON form, a contract with scripts: names and nesting stay as they are.
#include <nlohmann/json.hpp>

#include "summary.hpp"
#include "version.hpp"

namespace ringtail::tools {

namespace {

using Json = nlohmann::ordered_json;

Json source_json(const SourceSummary& source) {
  const Stats& stats = source.stats;
  Json json = {{"name", source.name},
               {"backend", source.backend},
               {"received", stats.received},
               {"delivered", stats.delivered},
               {"dropped_ring", stats.dropped_ring},
               {"unread", stats.unread},
               {"dropped_interface", stats.dropped_interface},
               {"freezes", stats.freezes},
               {"truncated", stats.truncated}};
  for (const Counter& counter : source.counters) json["counters"][std::string(counter.name)] = counter.value;
  return json;
}

}  // namespace

std::string to_json(const Summary& summary) {
  const RecorderStats& written = summary.written;
  Json sources = Json::array();
  for (const SourceSummary& source : summary.sources) sources.push_back(source_json(source));
  const Json json = {
      {"version", version()},
      {"elapsed_seconds", summary.elapsed_seconds},
      {"sources", sources},
      {"delivered", summary.delivered()},
      {"written_packets", written.written_packets},
      {"dropped_writer", written.dropped_writer},
      {"captured_bytes", written.captured_bytes},
      {"written_bytes", written.written_bytes},
      {"files", written.files},
      {"files_total", written.files_total},
      {"writer", written.writer},
      {"layout",
       {{"dilated_chunks", written.dilated_chunks},
        {"compacted_chunks", written.compacted_chunks},
        {"copied_bytes", written.copied_bytes}}},
      {"cpu_seconds", {{"user", summary.usage.user_seconds}, {"system", summary.usage.system_seconds}}},
      {"cpu_ns_per_packet", summary.cpu_ns_per_packet()},
      {"context_switches",
       {{"voluntary", summary.usage.voluntary_switches}, {"involuntary", summary.usage.involuntary_switches}}},
      {"error", summary.error ? Json(summary.error->message()) : Json(nullptr)},
  };
  // File names are bytes and may be no UTF-8: replace what is not, since throwing here would lose the account.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ringtail::tools
