#include "pcapfile/in_place_encoder.hpp"

#include "base/contract.hpp"
#include "pcapfile/in_place_compact.hpp"
#include "pcapfile/in_place_dilate.hpp"

namespace ringtail::pcapfile {

namespace {

// From this mean length on a block is dilated. Shorter packets cost less CPU to move than the kernel's framing between
// them costs to write; IN_PLACE.md has the measurement.
constexpr std::uint64_t crossover_captured_length = 300;

bool dilating_pays(std::span<const PacketDescriptor> packets) noexcept {
  std::uint64_t captured_bytes = 0;
  for (const PacketDescriptor& packet : packets) captured_bytes += packet.captured_length;
  const bool in_phase = packets.front().offset % 4 == 0;  // what is not would have to move in either case
  return in_phase && captured_bytes >= crossover_captured_length * packets.size();
}

class AutomaticEncoder final : public InPlaceEncoder {
 public:
  void begin(const detail::InPlace& block, std::uint32_t carried_bytes) noexcept override {
    block_ = block;
    carried_bytes_ = carried_bytes;
    chosen_ = nullptr;
  }

  /// Short packets that somebody reads had better be copied: that costs what moving them does, and the file stays
  /// small.
  [[nodiscard]] bool leaves_in_place(std::span<const PacketDescriptor> packets, bool begins) const noexcept override {
    const bool dilates = begins ? dilating_pays(packets) : chosen_ == &dilate_;
    return dilates && dilate_.leaves_in_place(packets, begins);
  }

  void add(std::span<const PacketDescriptor> packets, InterfaceMap interfaces) noexcept override {
    if (packets.empty()) return;
    if (chosen_ == nullptr) choose(dilating_pays(packets) ? dilate_ : *compact_);
    chosen_->add(packets, interfaces);
  }

  EncodedBlock finish(std::uint32_t alignment) noexcept override {
    if (chosen_ == nullptr) choose(*compact_);
    return chosen_->finish(alignment);
  }

 private:
  void choose(InPlaceEncoder& encoder) noexcept {
    chosen_ = &encoder;
    chosen_->begin(block_, carried_bytes_);
  }

  DilateEncoder dilate_;
  std::unique_ptr<InPlaceEncoder> compact_ = make_compact_encoder(FileFormat::pcapng);
  InPlaceEncoder* chosen_ = nullptr;  // for this block; null before its first packet
  detail::InPlace block_;
  std::uint32_t carried_bytes_ = 0;
};

}  // namespace

std::unique_ptr<InPlaceEncoder> make_in_place_encoder(FileFormat format, Layout layout) {
  base::require(format == FileFormat::pcapng || layout != Layout::dilate, "only pcapng can be dilated");
  if (format != FileFormat::pcapng || layout == Layout::compact) return make_compact_encoder(format);
  if (layout == Layout::dilate) return std::make_unique<DilateEncoder>();
  return std::make_unique<AutomaticEncoder>();
}

}  // namespace ringtail::pcapfile
