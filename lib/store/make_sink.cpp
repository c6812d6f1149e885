#include "store/make_sink.hpp"

#include <fcntl.h>
#include <optional>

#include "store/direct_io.hpp"
#include "store/direct_sink.hpp"
#include "store/mmap_sink.hpp"
#include "store/write_sink.hpp"

namespace ringtail::store {

namespace {

/// Only into regular files: who reads a pipe may pass its pages on (splice, tee), and a socket keeps them, so nobody
/// could say when our memory is ours again. Nor can a descriptor that appends be spliced into (splice(2), EINVAL).
bool can_be_spliced_into(const OutputFile& file) noexcept {
  return file.kind == OutputKind::regular && (::fcntl(file.descriptor.get(), F_GETFL) & O_APPEND) == 0;
}

}  // namespace

Result<std::unique_ptr<Sink>> make_sink(OutputFile file, Writer writer, FileFormat format) {
  std::optional<SplicePipe> pipe;
  if (writer == Writer::splice && can_be_spliced_into(file)) pipe = SplicePipe::create();
  if (writer == Writer::automatic || writer == Writer::direct || pipe) {
    if (base::FileDescriptor direct = open_direct(file); direct.is_open()) {
      return std::make_unique<DirectSink>(std::move(file), std::move(direct), format, std::move(pipe));
    }
  }
  if (writer == Writer::mmap && MmapSink::can_map(file)) return std::make_unique<MmapSink>(std::move(file), format);
  return std::make_unique<WriteSink>(std::move(file), format, std::move(pipe));
}

}  // namespace ringtail::store
