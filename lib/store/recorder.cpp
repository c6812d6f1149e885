// The public face of a recording.
#include <utility>

#include <ringtail/recorder.hpp>

#include "store/recording.hpp"

namespace ringtail {

Result<Recorder> Recorder::create(RecorderOptions options, const std::vector<const Source*>& sources) {
  return Implementation::create(std::move(options), sources).map([](auto implementation) {
    return Recorder(std::move(implementation));
  });
}

Recorder::Recorder(std::unique_ptr<Implementation> implementation) noexcept
    : implementation_(std::move(implementation)) {}
Recorder::Recorder(Recorder&&) noexcept = default;

Recorder& Recorder::operator=(Recorder&& other) noexcept {
  Recorder taken(std::move(other));
  std::swap(implementation_, taken.implementation_);
  return *this;
}

Recorder::~Recorder() {
  if (implementation_ != nullptr) (void)implementation_->finish();
}

Result<std::uint16_t> Recorder::add_source(const Source& source) {
  return implementation_->add_source(source);
}

void Recorder::write(std::uint16_t source_id, Batch&& batch) {
  Batch taken = std::move(batch);
  if (!taken.empty()) implementation_->write(source_id, taken);
}

void Recorder::copy(std::uint16_t source_id, const Batch& batch, std::uint32_t first, std::uint32_t count) {
  if (count != 0) implementation_->copy_some(source_id, batch, first, count);
}

void Recorder::note(std::uint16_t source_id, std::uint16_t interface_id, std::string_view text) {
  implementation_->note(source_id, interface_id, text);
}

bool Recorder::is_complete() const noexcept {
  return implementation_->is_complete();
}

void Recorder::tick() {
  implementation_->tick();
}

void Recorder::rotate() {
  implementation_->rotate();
}

Result<void> Recorder::finish() {
  return implementation_->finish();
}

const Error* Recorder::failure() const noexcept {
  return implementation_->failure();
}

std::uint64_t Recorder::file_bytes() const noexcept {
  return implementation_->current_file().bytes;
}

std::uint64_t Recorder::file_packets() const noexcept {
  return implementation_->current_file().packets;
}

RecorderStats Recorder::stats() const {
  return implementation_->stats();
}

}  // namespace ringtail
