// Source is a face: everything it is asked goes to its back end. Which one that is, open() decides, above this room.
#include <utility>

#include <ringtail/source.hpp>

#include "ring/backend.hpp"

namespace ringtail {

namespace {

const Error& not_ours() {
  static const Error error =
      make_error("receive", "the process that opened this source is another, a parent of this one",
                 "open a source after fork(2), not before");
  return error;
}

}  // namespace

Source::Source(detail::BackendPointer backend) noexcept : backend_(std::move(backend)) {}
Source::Source(Source&&) noexcept = default;
Source& Source::operator=(Source&&) noexcept = default;
Source::~Source() = default;

Received Source::receive(std::chrono::nanoseconds timeout) {
  Received received;
  if (!backend_->is_at_home()) {
    received.status = ReceiveStatus::end_of_stream;
    return received;
  }
  received.status = backend_->receive(timeout, received.batch);
  return received;
}

void Source::stop() noexcept {
  if (backend_->is_at_home()) backend_->stop();
}

void Source::interrupt() noexcept {
  if (backend_->is_at_home()) backend_->interrupt();
}

Stats Source::stats() const {
  return backend_->stats();
}

std::vector<Counter> Source::counters() const {
  return backend_->counters();
}

std::uint16_t Source::interface_count() const noexcept {
  return backend_->interfaces().size();
}

const Interface& Source::interface(std::uint16_t interface_id) const noexcept {
  return backend_->interfaces()[interface_id];
}

const Error* Source::failure() const noexcept {
  return backend_->is_at_home() ? backend_->failure() : &not_ours();
}

int Source::pollable_descriptor() const noexcept {
  return backend_->pollable_descriptor();
}

std::string_view Source::name() const noexcept {
  return backend_->name();
}

std::string_view Source::backend() const noexcept {
  return backend_->kind();
}

}  // namespace ringtail
