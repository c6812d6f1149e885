// The sub-commands of the program, one function each.
#pragma once

#include <span>

namespace ringtail::tools {

/// The sub-command's name and what stands after it on the command line.
using Arguments = std::span<char* const>;

// Each returns the program's exit status (report.hpp) and has told on stderr why, when it is not 0.
int run_bench(Arguments arguments);
int run_capture(Arguments arguments);
int run_count(Arguments arguments);
int run_ctl(Arguments arguments);
int run_dump(Arguments arguments);
int run_list(Arguments arguments);
int run_recover(Arguments arguments);
int run_send(Arguments arguments);
int run_stat(Arguments arguments);
int run_top(Arguments arguments);

}  // namespace ringtail::tools
