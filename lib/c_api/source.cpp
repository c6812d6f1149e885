#include <chrono>
#include <memory>

#include <ringtail/ringtail.h>
#include <ringtail/source.hpp>

#include "c_api/batch.hpp"
#include "c_api/boundary.hpp"
#include "c_api/handles.hpp"
#include "c_api/options.hpp"

using namespace ringtail;
using c_api::guarded;

const char* ringtail_version() {
  return RINGTAIL_VERSION;
}

ringtail_source* ringtail_open(const char* device, const ringtail_open_options* options, ringtail_error* error) {
  const auto opened = guarded(error, [&] {
    return c_api::to_open_options(options)
        .and_then([&](const OpenOptions& cpp_options) { return open(device, cpp_options); })
        .map([](Source&& source) { return new ringtail_source(std::move(source)); });
  });
  return opened.value_or(nullptr);
}

int ringtail_open_fanout(const char* device, const ringtail_open_options* options, std::uint16_t members,
                         ringtail_source** sources, ringtail_error* error) {
  const auto opened = guarded(error, [&]() -> Result<int> {
    const auto cpp_options = c_api::to_open_options(options);
    if (!cpp_options) return tl::unexpected(cpp_options.error());
    auto group = open_fanout(device, *cpp_options, members);
    if (!group) return tl::unexpected(std::move(group.error()));
    std::vector<std::unique_ptr<ringtail_source>> handles;
    for (Source& source : *group) handles.push_back(std::make_unique<ringtail_source>(std::move(source)));
    for (std::unique_ptr<ringtail_source>& handle : handles) *sources++ = handle.release();
    return 0;
  });
  return opened.value_or(-1);
}

void ringtail_close(ringtail_source* source) {
  delete source;
}

ringtail_receive_status ringtail_receive(ringtail_source* source, std::int64_t timeout_ns, ringtail_batch* batch) {
  *batch = {};
  const auto status = guarded(nullptr, [&]() -> Result<ringtail_receive_status> {
    Received received = source->source.receive(std::chrono::nanoseconds(timeout_ns));
    if (received.status == ReceiveStatus::packets) c_api::hand_over(std::move(received.batch), *batch);
    return static_cast<ringtail_receive_status>(received.status);
  });
  return status.value_or(RINGTAIL_TIMEOUT);  // without memory there is nothing this time
}

void ringtail_release(ringtail_batch* batch) {
  c_api::take_back(*batch).reset();
}

void ringtail_keep_first(ringtail_batch* batch, std::uint32_t count) {
  if (count >= batch->count) return;
  ringtail_batch whole = *batch;
  Batch kept = c_api::take_back(whole);
  kept.keep_first(count);
  if (count == 0) {
    *batch = {};  // nothing is left to be read, so the loan ends here
  } else {
    c_api::hand_over(std::move(kept), *batch);
  }
}

void ringtail_stop(ringtail_source* source) {
  source->source.stop();
}

void ringtail_interrupt(ringtail_source* source) {
  source->source.interrupt();
}

int ringtail_failure(const ringtail_source* source, ringtail_error* error) {
  const Error* const failure = source->source.failure();
  if (failure == nullptr) return 0;
  c_api::report(*failure, error);
  return 1;
}

int ringtail_pollable_descriptor(const ringtail_source* source) {
  return source->source.pollable_descriptor();
}

const char* ringtail_name(const ringtail_source* source) {
  return source->name.c_str();
}

const char* ringtail_backend(const ringtail_source* source) {
  return source->backend.c_str();
}

void ringtail_get_stats(const ringtail_source* source, ringtail_stats* stats, std::size_t struct_bytes) {
  const auto figures = guarded(nullptr, [source]() -> Result<ringtail_stats> {
    const Stats now = source->source.stats();
    return ringtail_stats{.received = now.received,
                          .delivered = now.delivered,
                          .dropped_ring = now.dropped_ring,
                          .unread = now.unread,
                          .dropped_interface = now.dropped_interface,
                          .freezes = now.freezes,
                          .truncated = now.truncated,
                          .delivered_bytes = now.delivered_bytes,
                          .malformed = now.malformed};
  });
  c_api::copy_out(figures.value_or(ringtail_stats{}), stats, struct_bytes);
}

int ringtail_get_counter(const ringtail_source* source, std::uint32_t index, const char** name, std::uint64_t* value) {
  const auto counters = guarded(nullptr, [&]() -> Result<std::vector<Counter>> { return source->source.counters(); });
  if (!counters || index >= counters->size()) return 0;
  *name = (*counters)[index].name.data();  // a literal, so a zero ends it
  *value = (*counters)[index].value;
  return 1;
}
