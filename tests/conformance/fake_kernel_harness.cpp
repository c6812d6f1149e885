#include <atomic>
#include <thread>

#include "conformance/source_harness.hpp"
#include "fixture/fake_backend.hpp"
#include "fixture/numbered_frames.hpp"

namespace ringtail::conformance {

namespace {

class FakeKernelHarness final : public SourceHarness {
 public:
  explicit FakeKernelHarness(const OpenOptions& options)
      : backend_(new fixture::FakeBackend(tpacket::compute_geometry(options, 14).value(), options.batch_packets)),
        source_(detail::BackendPointer(backend_)),
        timer_([this, interval = options.retire_timeout] {
          while (!done_.load()) {
            std::this_thread::sleep_for(interval);
            backend_->kernel().retire_timer();
          }
        }) {}
  ~FakeKernelHarness() override {
    done_.store(true);
    timer_.join();
  }

  Source& source() override { return source_; }
  void send(std::uint64_t count, std::size_t frame_bytes) override {
    for (std::uint64_t sent = 0; sent < count; ++sent) {
      const auto bytes = fixture::make_numbered_frame(next_++, frame_bytes);
      backend_->kernel().deliver({.bytes = bytes, .timestamp_ns = 1'000'000'000 + next_});
    }
  }

 private:
  fixture::FakeBackend* backend_;  // source_'s
  Source source_;
  std::atomic<bool> done_{false};
  std::uint64_t next_ = 0;
  std::thread timer_;
};

}  // namespace

HarnessFactory fake_kernel_harness() {
  return {"fake_kernel", [](const OpenOptions& options, std::string&) -> std::unique_ptr<SourceHarness> {
            return std::make_unique<FakeKernelHarness>(options);
          }};
}

}  // namespace ringtail::conformance
