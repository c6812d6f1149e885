#include "store/make_sink.hpp"

#include "store/write_sink.hpp"

namespace ringtail::store {

Result<std::unique_ptr<Sink>> make_sink(OutputFile file, Writer writer, FileFormat format) {
  if (writer != Writer::automatic && writer != Writer::write) {
    return tl::unexpected(usage_error("open " + file.path, "only the writers auto and write are there so far"));
  }
  return std::make_unique<WriteSink>(std::move(file), format);
}

}  // namespace ringtail::store
