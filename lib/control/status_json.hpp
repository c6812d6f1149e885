// A status and its JSON. Private to the room: the JSON library takes long to compile.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "control/status.hpp"

namespace ringtail::control {

[[nodiscard]] nlohmann::json to_json(const CaptureStatus& status);

/// Whatever `value` is: members that are missing or of another type stay as they are by default.
[[nodiscard]] CaptureStatus status_of(const nlohmann::json& value);

}  // namespace ringtail::control
