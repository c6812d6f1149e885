// What stands behind the opaque pointers.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>
#include <ringtail/ringtail.h>
#include <ringtail/source.hpp>

struct ringtail_source {
  explicit ringtail_source(ringtail::Source opened)
      : source(std::move(opened)), name(source.name()), backend(source.backend()) {}

  ringtail::Source source;
  std::string name;  // with a zero at the end
  std::string backend;
};

struct ringtail_devices {
  std::vector<ringtail::DeviceDescription> devices;
};

struct ringtail_recorder {
  ringtail::Recorder recorder;
};

namespace ringtail::c_api {

/// The strings stay `interface`'s.
[[nodiscard]] ringtail_interface to_c(const Interface& interface) noexcept;

}  // namespace ringtail::c_api
