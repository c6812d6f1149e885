#include <nlohmann/json.hpp>

#include "bench/findings.hpp"

namespace ringtail::bench {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Spread& spread) {
  return {{"median", spread.median}, {"least", spread.least}, {"most", spread.most}};
}

/// Null instead of an empty text.
Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json to_json(const Figures& figures) {
  return {{"rounds", figures.rounds},
          {"offered_packets", figures.offered_packets},
          {"captured_packets", figures.captured_packets},
          {"lost_packets", figures.lost_packets()},
          {"cpu_ns_per_packet", to_json(figures.cpu_ns_per_packet)},
          {"machine_cpu_ns_per_packet", figures.machine_cpu_ns_per_packet},
          {"copies_per_byte", figures.copies_per_byte},
          {"system_calls_per_1000_packets",
           figures.system_calls_per_1000 ? Json(*figures.system_calls_per_1000) : Json(nullptr)},
          {"context_switches_per_1000_packets", figures.switches_per_1000},
          {"file_bytes_per_captured_byte", figures.file_bytes_per_byte},
          {"cached_bytes_per_file_byte", figures.cached_per_file_byte},
          {"file_gb_per_second", to_json(figures.file_gb_per_second)},
          {"largest_resident_bytes", figures.largest_resident_bytes}};
}

Json machine_json(const MachineFacts& machine) {
  return {{"processor", machine.processor},
          {"processors", machine.processors},
          {"operating_system", machine.operating_system},
          {"memory_bytes", machine.memory_bytes},
          {"directory", machine.directory},
          {"file_system", machine.file_system},
          {"device", machine.device},
          {"optimised", machine.optimised},
          {"load_average", machine.load_average},
          {"warnings", machine.warnings()}};
}

Json table_json(const CopyTable& table, const Plan& plan) {
  Json rows = Json::array();
  for (const CopyTableRow& row : table.rows) {
    rows.push_back({{"frames", row.traffic},
                    {"way", row.way->name},
                    {"description", row.way->description},
                    {"detail", text_or_null(row.detail)},
                    {"unavailable", text_or_null(row.unavailable)},
                    {"figures", row.unavailable.empty() ? to_json(row.figures) : Json(nullptr)}});
  }
  return {{"ring", table.ring_kind},
          {"ring_mib", plan.ring_mib},
          {"blocks_per_round", plan.table_blocks},
          {"rounds", plan.table_rounds},
          {"rows", std::move(rows)}};
}

Json contestants_json(const Field& field) {
  Json contestants = Json::array();
  for (const Contestant& contestant : field.contestants) {
    contestants.push_back(
        {{"name", contestant.name}, {"version", contestant.version}, {"command", to_text(contestant.command)}});
  }
  return contestants;
}

Json race_json(const std::vector<LiveRow>& race, const Plan& plan) {
  Json rows = Json::array();
  for (const LiveRow& row : race) {
    rows.push_back({{"frames", row.traffic},
                    {"contestant", row.contestant},
                    {"unavailable", text_or_null(row.unavailable)},
                    {"offered_per_second", to_json(row.offered_per_second)},
                    {"figures", row.figures.rounds > 0 ? to_json(row.figures) : Json(nullptr)}});
  }
  return {{"ring_mib", plan.ring_mib},
          {"seconds_per_round", plan.race_seconds},
          {"rounds", plan.race_rounds},
          {"rows", std::move(rows)}};
}

Json rates_json(const std::vector<RateRow>& rates, const Plan& plan) {
  Json rows = Json::array();
  for (const RateRow& row : rates) {
    Json trials = Json::array();
    for (const RateTrial& trial : row.trials) {
      trials.push_back({{"offered_per_second", trial.offered_per_second},
                        {"offered_packets", trial.offered_packets},
                        {"captured_packets", trial.captured_packets}});
    }
    rows.push_back(
        {{"frames", row.traffic},
         {"contestant", row.contestant},
         {"unavailable", text_or_null(row.unavailable)},
         {"lossless_per_second", row.bounds.lossless_per_second > 0 ? Json(row.bounds.lossless_per_second) : nullptr},
         {"lossy_per_second", row.bounds.lossy_per_second > 0 ? Json(row.bounds.lossy_per_second) : nullptr},
         {"finished", row.finished},
         {"trials", std::move(trials)}});
  }
  return {{"ring_mib", plan.ring_mib},
          {"seconds_per_trial", plan.trial_seconds},
          {"resolution", plan.rate_resolution},
          {"rows", std::move(rows)}};
}

}  // namespace

std::string to_json(const Findings& findings) {
  const Json json = {
      {"version", findings.version},
      {"command", findings.command},
      {"elapsed_seconds", findings.elapsed_seconds},
      {"interrupted", findings.interrupted},
      {"machine", machine_json(findings.machine)},
      {"skipped", findings.skipped},
      {"table", findings.table ? table_json(*findings.table, findings.plan) : Json(nullptr)},
      {"contestants", contestants_json(findings.field)},
      {"absent_contestants", findings.field.absent},
      {"race", findings.race.empty() ? Json(nullptr) : race_json(findings.race, findings.plan)},
      {"no_drop_rates", findings.rates.empty() ? Json(nullptr) : rates_json(findings.rates, findings.plan)},
  };
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ringtail::bench
