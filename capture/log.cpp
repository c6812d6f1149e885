#include "log.hpp"

#include <cstdlib>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ringtail::daemon {

namespace {

constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                spdlog::level::err};
// The same as syslog(3) numbers them.
constexpr const char* journal_prefixes[] = {"<7>", "<6>", "<4>", "<3>"};

bool to_journal = false;

}  // namespace

void set_up_log(std::string_view level) {
  to_journal = std::getenv("JOURNAL_STREAM") != nullptr;  // NOLINT(concurrency-mt-unsafe): there is no other thread yet
  auto logger = spdlog::stderr_logger_mt("ringtaild");
  logger->set_pattern(to_journal ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::debug);
  logger->set_error_handler([](const std::string&) {});  // a log that cannot be written must not end a capture
  spdlog::set_default_logger(std::move(logger));
}

void log(LogLevel level, std::string_view capture, std::string_view text) {
  const auto index = static_cast<std::size_t>(level);
  const char* prefix = to_journal ? journal_prefixes[index] : "";
  if (capture.empty()) {
    spdlog::log(levels[index], "{}{}", prefix, text);
  } else {
    spdlog::log(levels[index], "{}capture={} {}", prefix, capture, text);
  }
}

}  // namespace ringtail::daemon
