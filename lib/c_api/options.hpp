// From C's structs of options to those of the library.
#pragma once

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>
#include <ringtail/recorder.hpp>
#include <ringtail/ringtail.h>

namespace ringtail::c_api {

/// Null: the defaults. A value that no field of the library can hold is a usage error; the rest open() judges.
[[nodiscard]] Result<OpenOptions> to_open_options(const ringtail_open_options* given);

[[nodiscard]] Result<RecorderOptions> to_recorder_options(const ringtail_recorder_options* given);

}  // namespace ringtail::c_api
