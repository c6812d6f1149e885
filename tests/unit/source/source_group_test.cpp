#include "source_group.hpp"

#include <gmock/gmock.h>
#include <map>
#include <sys/eventfd.h>

#include "fixture/memory_backend.hpp"

namespace ringtail {
namespace {

using namespace std::chrono_literals;
using test::make_numbered_packet;
using test::MemoryBackend;
using testing::ElementsAre;

/// Sources whose packets a test makes up; the back ends stay in reach.
struct MemorySources {
  explicit MemorySources(std::size_t count, std::uint32_t batch_packets = 4) {
    for (std::size_t index = 0; index < count; ++index) {
      backends.push_back(MemoryBackend::create({test::make_ethernet_interface("memory0")}, batch_packets));
      sources.push_back(test::make_source(backends.back()));
    }
  }
  void push(std::size_t source, std::uint64_t packets) const {
    for (std::uint64_t number = 0; number < packets; ++number) backends[source]->push(make_numbered_packet(number, 60));
  }

  std::vector<MemoryBackend*> backends;
  std::vector<Source> sources;
};

TEST(SourceGroup, ServesBusySourcesInTurn) {
  MemorySources memory(3);
  for (std::size_t source = 0; source < 3; ++source) memory.push(source, 8);
  auto group = SourceGroup::create(memory.sources).value();
  std::vector<std::size_t> order;
  for (int turn = 0; turn < 6; ++turn) {
    const GroupReceived received = group.receive(0ms);
    ASSERT_EQ(received.status, ReceiveStatus::packets);
    EXPECT_EQ(received.batch.size(), 4U);
    order.push_back(received.source);
  }
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(SourceGroup, SaysTimeoutWhenNobodyHasAnything) {
  MemorySources memory(2);
  auto group = SourceGroup::create(memory.sources).value();
  EXPECT_EQ(group.receive(1ms).status, ReceiveStatus::timeout);
  EXPECT_FALSE(group.has_ended());
}

TEST(SourceGroup, GoesOnWithTheOthersWhenOneEnds) {
  MemorySources memory(3);
  memory.backends[1]->end();
  memory.push(0, 1);
  memory.push(2, 1);
  memory.backends[0]->end();
  memory.backends[2]->end();
  auto group = SourceGroup::create(memory.sources).value();
  std::map<std::size_t, int> packets;
  std::map<std::size_t, int> ends;
  while (!group.has_ended()) {
    const GroupReceived received = group.receive(1ms);
    if (received.status == ReceiveStatus::packets) ++packets[received.source];
    if (received.status == ReceiveStatus::end_of_stream) ++ends[received.source];
  }
  EXPECT_EQ(packets, (std::map<std::size_t, int>{{0, 1}, {2, 1}}));
  EXPECT_EQ(ends, (std::map<std::size_t, int>{{0, 1}, {1, 1}, {2, 1}}));
}

TEST(SourceGroup, PassesAnInterruptOn) {
  MemorySources memory(2);
  auto group = SourceGroup::create(memory.sources).value();
  memory.sources[1].interrupt();
  const GroupReceived received = group.receive(1ms);
  EXPECT_EQ(received.status, ReceiveStatus::interrupted);
  EXPECT_EQ(received.source, 1U);
}

/// Readable all the time, though all it has is lent out: what a packet ring does whose oldest block is still held.
class ReadableBackend final : public detail::Backend {
 public:
  explicit ReadableBackend(unsigned& looks) : looks_(looks), readable_(eventfd(1, EFD_CLOEXEC)) {}
  ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& /*batch*/) override {
    EXPECT_EQ(timeout, 0ns) << "one source of several must not wait for itself";
    ++looks_;
    return ReceiveStatus::no_credit;
  }
  void stop() noexcept override {}
  void interrupt() noexcept override {}
  void shut_down() noexcept override {}
  Stats stats() override { return {}; }
  const ring::InterfaceTable& interfaces() const noexcept override { return interfaces_; }
  const Error* failure() const noexcept override { return nullptr; }
  int pollable_descriptor() const noexcept override { return readable_.get(); }
  std::string_view name() const noexcept override { return "readable"; }
  std::string_view kind() const noexcept override { return "memory"; }
  void release(detail::BatchSlot& /*slot*/) noexcept override {}

 private:
  unsigned& looks_;
  base::FileDescriptor readable_;
  ring::InterfaceTable interfaces_;
};

TEST(SourceGroup, DoesNotSpinOnWhatIsReadableButLentOut) {
  unsigned looks = 0;
  std::vector<Source> sources;
  sources.emplace_back(detail::BackendPointer(new ReadableBackend(looks)));
  sources.emplace_back(detail::BackendPointer(new ReadableBackend(looks)));
  auto group = SourceGroup::create(sources).value();
  EXPECT_EQ(group.receive(1ms).status, ReceiveStatus::no_credit);
  EXPECT_EQ(looks, 4U) << "each source once before waiting and once after";
}

TEST(SourceGroup, SaysWhichSourceCanLendNothingWhenNoOtherHasAnything) {
  unsigned looks = 0;
  MemorySources memory(1);
  Source full{detail::BackendPointer(new ReadableBackend(looks))};
  auto group = SourceGroup::create(std::vector<Source*>{memory.sources.data(), &full}).value();
  memory.push(0, 1);
  EXPECT_EQ(group.receive(1ms).status, ReceiveStatus::packets);
  const GroupReceived received = group.receive(1ms);
  EXPECT_EQ(received.status, ReceiveStatus::no_credit);
  EXPECT_EQ(received.source, 1U);
}

}  // namespace
}  // namespace ringtail
