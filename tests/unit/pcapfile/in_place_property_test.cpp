// Random frames through random rings in every format and layout: every file holds exactly the frames that were sent,
// and no byte that was not put there on purpose.
#include <cstdlib>
#include <gtest/gtest.h>
#include <random>
#include <string>

#include "unit/pcapfile/in_place_rig.hpp"

namespace ringtail::test {
namespace {

// RINGTAIL_PROPERTY_FRAMES asks for more than the default.
std::size_t frames_to_send() {
  const char* text = std::getenv("RINGTAIL_PROPERTY_FRAMES");
  return text == nullptr ? 1'000'000 : std::strtoull(text, nullptr, 10);
}

std::uint32_t below(std::mt19937& random, std::uint32_t bound) {
  return static_cast<std::uint32_t>(random()) % bound;
}

template <std::size_t count>
std::uint32_t one_of(std::mt19937& random, const std::uint32_t (&choices)[count]) {
  return choices[below(random, count)];
}

RigOptions random_rig(std::mt19937& random, FileFormat format, Layout layout) {
  constexpr std::uint32_t alignments[] = {1, 512, 4096};
  constexpr std::uint32_t blocks[] = {256U << 10, 512U << 10, 1U << 20};
  constexpr std::uint32_t batches[] = {1, 2, 7, 64, 256, 65536};
  constexpr std::uint32_t snaplens[] = {262144, 262144, 262144, 1, 13, 64, 97, 1500};
  RigOptions options;
  options.format = format;
  options.layout = layout;
  options.alignment = one_of(random, alignments);
  options.pads = below(random, 4) != 0;
  options.carries_at_random = options.alignment == 1;
  options.block_bytes = one_of(random, blocks);
  options.snaplen = one_of(random, snaplens);
  options.batch_packets = one_of(random, batches);
  options.has_hashes = below(random, 4) == 0;
  options.seed = static_cast<unsigned>(random());
  return options;
}

// A kind of traffic, kept for one file.
class Traffic {
 public:
  explicit Traffic(std::mt19937& random) : random_(random) {
    constexpr std::uint32_t most_bytes[] = {64, 150, 300, 600, 1514};
    most_bytes_ = one_of(random, most_bytes);
    tagged_of_4_ = below(random, 5);
    has_several_interfaces_ = below(random, 2) == 0;
    has_other_link_headers_ = below(random, 4) == 0;
    long_frame_in_ = below(random, 3) == 0 ? 200 : 5000;
  }

  FrameShape next() {
    FrameShape shape;
    shape.bytes = 14 + below(random_, most_bytes_ - 13);
    if (below(random_, long_frame_in_) == 0) shape.bytes = 14 + below(random_, 65'213);
    if (below(random_, 20'000) == 0) shape.bytes = 250'000 + below(random_, 20'000);
    shape.packet_type = static_cast<std::uint8_t>(below(random_, 5));
    shape.has_tag = below(random_, 4) < tagged_of_4_;
    if (has_several_interfaces_) shape.interface_index = 1 + below(random_, 3);
    if (has_other_link_headers_ && below(random_, 3) == 0) {
      constexpr std::uint32_t link_headers[] = {0, 4, 15, 16, 20, 28};
      shape.link_header_bytes = one_of(random_, link_headers);
    }
    return shape;
  }

 private:
  std::mt19937& random_;
  std::uint32_t most_bytes_;
  std::uint32_t tagged_of_4_;
  bool has_several_interfaces_;
  bool has_other_link_headers_;
  std::uint32_t long_frame_in_;
};

TEST(InPlaceProperty, EveryFileHoldsExactlyWhatWasSent) {
  struct Kind {
    FileFormat format;
    Layout layout;
  };
  constexpr Kind kinds[] = {{FileFormat::pcapng, Layout::dilate},
                            {FileFormat::pcapng, Layout::compact},
                            {FileFormat::pcapng, Layout::automatic},
                            {FileFormat::pcap, Layout::compact},
                            {FileFormat::nsecpcap, Layout::automatic}};
  std::mt19937 random(3);
  std::size_t sent = 0;
  for (std::size_t turn = 0; sent < frames_to_send(); ++turn) {
    const Kind kind = kinds[turn % std::size(kinds)];
    const RigOptions options = random_rig(random, kind.format, kind.layout);
    SCOPED_TRACE("file " + std::to_string(turn) + ", alignment " + std::to_string(options.alignment) + ", block " +
                 std::to_string(options.block_bytes) + ", batch " + std::to_string(options.batch_packets) +
                 ", snaplen " + std::to_string(options.snaplen));
    InPlaceRig rig(options);
    Traffic traffic(random);
    const std::size_t frames = 1 + below(random, 20'000);
    for (std::size_t frame = 0; frame < frames; ++frame) {
      rig.send(traffic.next());
      if (below(random, 3000) == 0) rig.flush();
    }
    rig.flush();
    rig.expect_every_frame();
    if (HasFailure()) return;
    sent += frames;
  }
}

}  // namespace
}  // namespace ringtail::test
