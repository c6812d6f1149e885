// Whom to tell what is being done now.
#pragma once

#include <functional>
#include <string>

namespace ringtail::bench {

using Progress = std::function<void(const std::string&)>;

}  // namespace ringtail::bench
