// A whole bench run: sets the machine up, runs what the plan says, leaves nothing behind.
#pragma once

#include <string>

#include <ringtail/error.hpp>

#include "bench/findings.hpp"
#include "bench/progress.hpp"

namespace ringtail::bench {

/// Files go into a new directory below `directory`, and are removed. Moves this process into private namespaces and
/// binds it to a CPU, so it is good for nothing else afterwards. Ctrl-C ends it early with what there is by then.
///
/// Errors are about what was asked for: no such directory, no room in it. A part that cannot be run here is in
/// Findings::skipped.
[[nodiscard]] Result<Findings> run_plan(const Plan& plan, const std::string& directory, const Progress& progress);

}  // namespace ringtail::bench
