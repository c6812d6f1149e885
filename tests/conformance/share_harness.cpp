// What another process would publish, published by this one.

#include "base/contract.hpp"
#include "conformance/source_harness.hpp"
#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"
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

/// A client that is trusted with the ring, which a fake kernel fills.
class RingShareHarness final : public SourceHarness {
 public:
  /// The reason why it cannot be.
  std::string open(const OpenOptions& options) {
    if (!ring_) return "packet sockets need CAP_NET_RAW";
    auto source = ringtail::open("ringtail:test", options);
    if (!source) return source.error().message();
    source_.emplace(std::move(*source));
    return {};
  }
  Source& source() override { return *source_; }
  void send(std::uint64_t count, std::size_t frame_bytes) override {
    for (; count > 0; --count) {
      const auto frame = fixture::make_numbered_frame(next_++, frame_bytes);
      base::require(ring_->kernel().deliver({.bytes = frame, .timestamp_ns = next_}), "the ring has room");
      if (next_ % 1000 == 0) publish();
    }
    ring_->kernel().retire_timer();
    publish();
  }
  bool skips() const override { return true; }

 private:
  void publish() {
    Batch batch;
    while (ring_->receive(std::chrono::nanoseconds::zero(), batch) == ReceiveStatus::packets) {
      publisher_.with(
          [&batch](share::Publisher& publisher) { publisher.publish(batch, std::vector<std::uint16_t>{0}); });
      batch.reset();
    }
  }

  test::RunDirectory directory_;
  std::unique_ptr<fixture::FakeBackend, detail::BackendDeleter> ring_ =
      fixture::FakeBackend::on_packet_socket(fixture::small_geometry(64), 32);
  test::TestPublisher publisher_{{.name = "test",
                                  .geometry = test::small_geometry,
                                  .hold_limit = std::chrono::minutes(1),
                                  .trusts = [](const share::PeerCredentials&) { return true; }}};
  std::optional<Source> source_;
  std::uint64_t next_ = 0;
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

HarnessFactory busy_share_harness() {
  return {"busy_share", [](OpenOptions options, std::string& reason) {
            options.busy_poll = true;
            return make(false, options, reason);
          }};
}

HarnessFactory share_in_place_harness() {
  return {"share_in_place",
          [](const OpenOptions& options, std::string& reason) { return make(true, options, reason); }};
}

HarnessFactory share_ring_harness() {
  return {"share_ring", [](const OpenOptions& options, std::string& reason) -> std::unique_ptr<SourceHarness> {
            auto harness = std::make_unique<RingShareHarness>();
            reason = harness->open(options);
            return reason.empty() ? std::move(harness) : nullptr;
          }};
}

}  // namespace ringtail::conformance
