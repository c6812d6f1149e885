// The plain sink: write(2), synchronous. For pipes, terminals, devices, and file systems without direct I/O.
#pragma once

#include "store/sink.hpp"

namespace ringtail::store {

class WriteSink final : public Sink {
 public:
  using Sink::Sink;
  ~WriteSink() override { finish(); }

  [[nodiscard]] std::string_view name() const noexcept override { return "write"; }
  void submit(Chunk&& chunk) override;
  void sync() override { sync_descriptor(); }
  void finish() override;

 private:
  void give_up(const Chunk& chunk, std::size_t written_bytes, int error_number);
};

}  // namespace ringtail::store
