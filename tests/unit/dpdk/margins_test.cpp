// What may be written around packets in mbufs: nothing, where an mbuf is not ours alone.
#include <gtest/gtest.h>
#include <optional>
#include <rte_mbuf.h>
#include <type_traits>

#include "dpdk_fixture.hpp"
#include "ring/loan_meter.hpp"

namespace ringtail::dpdk {
namespace {

class MarginsTest : public testing::Test {
 protected:
  [[nodiscard]] Batch receive(std::uint32_t snaplen) {
    OpenOptions options = small_options();
    options.snaplen = snaplen;
    source_.emplace(open_source("dpdk:net_null0,size=1000", options));
    return std::move(source_->receive(1s).batch);
  }

  [[nodiscard]] static ringtail::detail::Margins margins(const Batch& batch) {
    return batch.slot()->owner->margins(*batch.slot());
  }

  /// The packet's mbuf stands in front of its headroom.
  [[nodiscard]] static rte_mbuf& mbuf_of(const PacketView& packet) {
    auto* const data = const_cast<std::byte*>(packet.data());
    return *reinterpret_cast<rte_mbuf*>(data - RTE_PKTMBUF_HEADROOM - sizeof(rte_mbuf));
  }

  std::optional<Source> source_;
};

TEST_F(MarginsTest, AreHeadroomAndWhatIsBehindTheCapturedBytes) {
  for (const std::uint32_t snaplen : {1500U, 100U}) {
    const Batch batch = receive(snaplen);
    ASSERT_GT(batch.size(), 0U);
    const auto found = margins(batch);
    EXPECT_EQ(found.base + batch[0].descriptor().offset, batch[0].data());
    EXPECT_EQ(found.front_bytes, RTE_PKTMBUF_HEADROOM);
    EXPECT_EQ(found.front_bytes + batch[0].captured_length() + found.back_bytes, mbuf_of(batch[0]).buf_len);
    source_.reset();
  }
}

TEST_F(MarginsTest, AreTheSameOnTheWayToAWritersThread) {
  const auto meter = ring::LoanMeter::create();
  Batch batch = receive(1500);
  const auto before = margins(batch);
  batch = meter->pass(std::move(batch));
  ASSERT_EQ(batch.slot()->owner, meter.get());
  EXPECT_EQ(margins(batch).base, before.base);
  EXPECT_EQ(margins(batch).front_bytes, before.front_bytes);
  EXPECT_EQ(margins(batch).back_bytes, before.back_bytes);
}

TEST_F(MarginsTest, AreThoseOfTheMbufThatHasTheLeastRoom) {
  const Batch batch = receive(1500);
  ASSERT_GT(batch.size(), 5U);
  rte_mbuf& packet = mbuf_of(batch[5]);
  packet.data_off = 20;
  EXPECT_EQ(margins(batch).front_bytes, 20U);
  packet.data_off = RTE_PKTMBUF_HEADROOM;
  packet.buf_len = RTE_PKTMBUF_HEADROOM + 1010;
  EXPECT_EQ(margins(batch).back_bytes, 10U);
  packet.buf_len = mbuf_of(batch[0]).buf_len;
}

TEST_F(MarginsTest, ThereAreNoneWhereAnMbufIsNotOursAlone) {
  const Batch batch = receive(1500);
  ASSERT_GT(batch.size(), 5U);
  rte_mbuf& packet = mbuf_of(batch[5]);
  const auto refuses = [&](auto& field, auto value) {
    const auto before = field;
    field = static_cast<std::decay_t<decltype(field)>>(value);
    const bool is_refused = margins(batch).base == nullptr;
    field = before;
    return is_refused && margins(batch).base != nullptr;
  };
  rte_mempool elsewhere = {};
  EXPECT_TRUE(refuses(packet.refcnt, 2)) << "somebody else reads it, too";
  EXPECT_TRUE(refuses(packet.nb_segs, 2));
  EXPECT_TRUE(refuses(packet.ol_flags, RTE_MBUF_F_INDIRECT)) << "a clone";
  EXPECT_TRUE(refuses(packet.ol_flags, RTE_MBUF_F_EXTERNAL));
  EXPECT_TRUE(refuses(packet.pool, &elsewhere)) << "a driver's, or another process'";
}

}  // namespace
}  // namespace ringtail::dpdk
