// DPDK's af_packet driver on a veth pair: no hardware, no huge pages, and a sender that knows nothing of DPDK.

#include <cstdlib>

#include "conformance/private_veth.hpp"
#include "conformance/source_harness.hpp"

namespace ringtail::conformance {

namespace {

class DpdkHarness final : public SourceHarness {
 public:
  explicit DpdkHarness(Source source) : source_(std::move(source)) {}

  Source& source() override { return source_; }
  void send(std::uint64_t count, std::size_t frame_bytes) override { sender_.send(count, frame_bytes); }

 private:
  Source source_;
  NumberedSender sender_;
};

std::unique_ptr<SourceHarness> make(OpenOptions options, std::string& reason) {
  reason = enter_private_namespace();
  if (!reason.empty()) return nullptr;
  ::setenv("RINGTAIL_MODULE_DIR", MODULE_DIRECTORY, 1);  // NOLINT(concurrency-mt-unsafe): before there are threads
  options.dpdk.huge_pages = false;
  options.dpdk.descriptors = 256;
  options.buffer_bytes = std::size_t{16} << 20;  // fewer mbufs than the device needs for itself are refused
  // The driver loses silently what its own ring has no room for, so that takes all that a case sends.
  auto source = open("dpdk:net_af_packet0,iface=rt1,framecnt=32768", options);
  if (source) return std::make_unique<DpdkHarness>(std::move(*source));
  reason = source.error().message();
  return nullptr;
}

}  // namespace

HarnessFactory dpdk_harness() {
  return {"dpdk", make};
}

}  // namespace ringtail::conformance
