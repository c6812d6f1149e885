#include "store/make_sink.hpp"

#include "store/direct_io.hpp"
#include "store/direct_sink.hpp"
#include "store/write_sink.hpp"

namespace ringtail::store {

Result<std::unique_ptr<Sink>> make_sink(OutputFile file, Writer writer, FileFormat format) {
  if (writer == Writer::automatic || writer == Writer::direct) {
    if (base::FileDescriptor direct = open_direct(file); direct.is_open()) {
      return std::make_unique<DirectSink>(std::move(file), std::move(direct), format);
    }
  }
  return std::make_unique<WriteSink>(std::move(file), format);
}

}  // namespace ringtail::store
