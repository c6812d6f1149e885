// Chooses how bytes reach an open file.
#pragma once

#include <memory>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>

#include "store/output_file.hpp"
#include "store/sink.hpp"

namespace ringtail::store {

[[nodiscard]] Result<std::unique_ptr<Sink>> make_sink(OutputFile file, Writer writer, FileFormat format);

}  // namespace ringtail::store
