#include "bench/plan.hpp"

namespace ringtail::bench {

Plan quick_plan() {
  Plan plan;
  plan.ring_mib = 16;
  plan.table_traffics = {"64", "1500"};
  plan.table_blocks = 8;
  plan.table_socket_frames = 2000;
  plan.table_rounds = 2;
  plan.live_traffics = {"512"};
  plan.all_contestants = false;
  plan.race_seconds = 0.05;
  plan.race_rounds = 1;
  plan.trial_seconds = 0.05;
  plan.rate_resolution = 0.5;
  return plan;
}

Plan default_plan() {
  Plan plan;
  plan.table_traffics = {"64", "256", "512", "1500", "9000", "mix"};
  plan.table_blocks = 64;
  plan.table_socket_frames = 40'000;
  plan.table_rounds = 5;
  plan.live_traffics = {"64", "512", "1500"};
  plan.race_seconds = 1;
  plan.race_rounds = 5;
  plan.trial_seconds = 2;
  plan.rate_resolution = 0.1;
  plan.time_limit = std::chrono::seconds(540);  // the last round still has to end
  plan.with_rates = false;
  return plan;
}

Plan full_plan() {
  Plan plan = default_plan();
  plan.table_blocks = 256;
  plan.table_socket_frames = 400'000;
  plan.table_rounds = 9;
  plan.live_traffics = plan.table_traffics;
  plan.race_seconds = 5;
  plan.race_rounds = 9;
  plan.trial_seconds = 10;
  plan.rate_resolution = 0.05;
  plan.time_limit.reset();
  plan.with_rates = true;
  return plan;
}

}  // namespace ringtail::bench
