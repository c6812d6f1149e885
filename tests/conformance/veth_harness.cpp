// The real kernel ring on a veth pair.

#include "conformance/private_veth.hpp"
#include "conformance/source_harness.hpp"

namespace ringtail::conformance {

namespace {

class VethHarness final : public SourceHarness {
 public:
  explicit VethHarness(Source source) : source_(std::move(source)) {}

  Source& source() override { return source_; }
  void send(std::uint64_t count, std::size_t frame_bytes) override { sender_.send(count, frame_bytes); }

 private:
  Source source_;
  NumberedSender sender_;
};

std::unique_ptr<SourceHarness> make(const OpenOptions& options, std::string& reason) {
  reason = enter_private_namespace();
  if (!reason.empty()) return nullptr;
  auto source = open("rt1", options);
  if (source) return std::make_unique<VethHarness>(std::move(*source));
  reason = source.error().message();
  return nullptr;
}

}  // namespace

HarnessFactory veth_harness() {
  return {"veth", make};
}

HarnessFactory waiting_veth_harness() {
  return {"veth_waiting", [](OpenOptions options, std::string& reason) {
            options.wait_for_interface = true;
            return make(options, reason);
          }};
}

}  // namespace ringtail::conformance
