#include <ringtail/recorder.hpp>
#include <ringtail/ringtail.h>

#include "c_api/batch.hpp"
#include "c_api/boundary.hpp"
#include "c_api/handles.hpp"
#include "c_api/options.hpp"

using namespace ringtail;
using c_api::guarded;

ringtail_recorder* ringtail_create_recorder(const ringtail_recorder_options* options,
                                            const ringtail_source* const* sources, std::size_t source_count,
                                            ringtail_error* error) {
  const auto created = guarded(error, [&]() -> Result<ringtail_recorder*> {
    auto cpp_options = c_api::to_recorder_options(options);
    if (!cpp_options) return tl::unexpected(cpp_options.error());
    std::vector<const Source*> cpp_sources;
    for (std::size_t index = 0; index < source_count; ++index) cpp_sources.push_back(&sources[index]->source);
    return Recorder::create(std::move(*cpp_options), cpp_sources).map([](Recorder&& recorder) {
      return new ringtail_recorder{std::move(recorder)};
    });
  });
  return created.value_or(nullptr);
}

void ringtail_write(ringtail_recorder* recorder, std::uint16_t source_id, ringtail_batch* batch) {
  if (batch->loan == nullptr) return;
  (void)guarded(nullptr, [&]() -> Result<int> {
    recorder->recorder.write(source_id, c_api::take_back(*batch));
    return 0;
  });
}

void ringtail_tick(ringtail_recorder* recorder) {
  (void)guarded(nullptr, [recorder]() -> Result<int> {
    recorder->recorder.tick();
    return 0;
  });
}

void ringtail_get_recorder_stats(const ringtail_recorder* recorder, ringtail_recorder_stats* stats,
                                 std::size_t struct_bytes) {
  ringtail_recorder_stats figures = {};
  (void)guarded(nullptr, [&]() -> Result<int> {
    const RecorderStats now = recorder->recorder.stats();
    figures = {.written_packets = now.written_packets,
               .dropped_writer = now.dropped_writer,
               .captured_bytes = now.captured_bytes,
               .written_bytes = now.written_bytes,
               .files_total = now.files_total};
    return 0;
  });
  c_api::copy_out(figures, stats, struct_bytes);
}

int ringtail_finish_recorder(ringtail_recorder* recorder, ringtail_error* error) {
  const auto finished =
      guarded(error, [&]() -> Result<int> { return recorder->recorder.finish().map([] { return 0; }); });
  return finished.value_or(-1);
}

void ringtail_free_recorder(ringtail_recorder* recorder) {
  delete recorder;
}
