// What another process would publish, published by this one.

#include "conformance/source_harness.hpp"
#include "fixture/test_publisher.hpp"

namespace ringtail::conformance {

namespace {

class ShareHarness final : public SourceHarness {
 public:
  explicit ShareHarness(bool in_place) {
    if (in_place) publisher_.lend_in_place({.batches = 64});
  }
  /// The reason why it cannot be.
  std::string open(const OpenOptions& options) {
    auto source = ringtail::open("ringtail:test", options);
    if (!source) return source.error().message();
    source_.emplace(std::move(*source));
    return {};
  }
  Source& source() override { return *source_; }
  void send(std::uint64_t count, std::size_t frame_bytes) override { publisher_.send(count, frame_bytes); }
  bool skips() const override { return true; }

 private:
  test::RunDirectory directory_;
  test::TestPublisher publisher_;
  std::optional<Source> source_;
};

std::unique_ptr<SourceHarness> make(bool in_place, const OpenOptions& options, std::string& reason) {
  auto harness = std::make_unique<ShareHarness>(in_place);
  reason = harness->open(options);
  return reason.empty() ? std::move(harness) : nullptr;
}

}  // namespace

HarnessFactory share_harness() {
  return {"share", [](const OpenOptions& options, std::string& reason) { return make(false, options, reason); }};
}

HarnessFactory share_in_place_harness() {
  return {"share_in_place",
          [](const OpenOptions& options, std::string& reason) { return make(true, options, reason); }};
}

}  // namespace ringtail::conformance
