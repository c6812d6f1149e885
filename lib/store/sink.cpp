#include "store/sink.hpp"

#include <cerrno>
#include <string>
#include <unistd.h>

namespace ringtail::store {

void Sink::sync_descriptor() {
  if (failure_ || file_.kind != OutputKind::regular) return;
  if (::fdatasync(file_.descriptor.get()) != 0) fail("sync", errno);
}

void Sink::fail(std::string_view operation, int error_number) {
  if (failure_) return;
  const std::string remedy = file_.kind == OutputKind::regular ? "the file ends after its last whole record" : "";
  failure_ = system_error(std::string(operation) + " " + file_.path, error_number, file_.path, remedy);
}

void Sink::cut_back() {
  if (file_.kind != OutputKind::regular) return;
  const auto length = static_cast<off_t>(file_.start_offset + landed_.bytes);
  if (::ftruncate(file_.descriptor.get(), length) != 0 && failure_) {
    failure_->remedy = "its last record is torn, for the file could not be cut back";
  }
}

void Sink::close() {
  if (const int error = file_.descriptor.close(); error != 0) fail("close", error);
}

}  // namespace ringtail::store
