// The plain sink: write(2), synchronous. For pipes, terminals, devices, and file systems without direct I/O. Regular
// files can have splice(2) instead, which copies the same bytes into the same page cache.
#pragma once

#include <optional>

#include "store/sink.hpp"
#include "store/splice_pipe.hpp"

namespace ringtail::store {

class WriteSink final : public Sink {
 public:
  WriteSink(OutputFile file, FileFormat format, std::optional<SplicePipe> pipe = {}) noexcept
      : Sink(std::move(file), format), pipe_(std::move(pipe)) {}
  ~WriteSink() override { finish(); }

  [[nodiscard]] std::string_view name() const noexcept override { return pipe_ ? "splice" : "write"; }
  void submit(Chunk&& chunk) override;
  [[nodiscard]] Pieces pieces() const noexcept override {
    return pipe_ && pipe_->is_open() ? Pieces::a_copy_less : Pieces::refused;
  }
  void submit_pieces(const PieceChunk& chunk) override;
  void sync() override { sync_descriptor(); }
  void finish() override;

 private:
  [[nodiscard]] Written write(std::span<const std::byte> bytes) noexcept;

  std::optional<SplicePipe> pipe_;
};

}  // namespace ringtail::store
