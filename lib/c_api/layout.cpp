// What C and C++ call by different names is the same bytes and the same numbers.
#include <type_traits>

#include <ringtail/ringtail.h>
#include <ringtail/ringtail.hpp>

namespace ringtail {
namespace {

static_assert(sizeof(ringtail_packet) == sizeof(PacketDescriptor) &&
              alignof(ringtail_packet) == alignof(PacketDescriptor) && std::is_standard_layout_v<PacketDescriptor> &&
              std::is_trivially_copyable_v<PacketDescriptor>);

constexpr bool same_place(std::size_t c_offset, std::size_t cpp_offset) {
  return c_offset == cpp_offset;
}
#define SAME_PLACE(field) static_assert(same_place(offsetof(ringtail_packet, field), offsetof(PacketDescriptor, field)))
SAME_PLACE(offset);
SAME_PLACE(timestamp_ns);
SAME_PLACE(captured_length);
SAME_PLACE(wire_length);
SAME_PLACE(rx_hash);
SAME_PLACE(flags);
SAME_PLACE(vlan_tci);
SAME_PLACE(vlan_tpid);
SAME_PLACE(interface_id);
SAME_PLACE(queue);
#undef SAME_PLACE

// These never change: programs keep them in their own memory without a size.
static_assert(sizeof(ringtail_batch) == 32);
static_assert(sizeof(ringtail_error) == 1024);

template <typename CppValue>
constexpr bool same(int c_value, CppValue cpp_value) {
  return c_value == static_cast<int>(cpp_value);
}

static_assert(same(RINGTAIL_DIRECTION_MASK, packet_flags::direction_mask));
static_assert(same(RINGTAIL_INBOUND, packet_flags::inbound) && same(RINGTAIL_OUTBOUND, packet_flags::outbound));
static_assert(same(RINGTAIL_RECEPTION_MASK, packet_flags::reception_mask));
static_assert(same(RINGTAIL_UNICAST, packet_flags::unicast) && same(RINGTAIL_MULTICAST, packet_flags::multicast));
static_assert(same(RINGTAIL_BROADCAST, packet_flags::broadcast));
static_assert(same(RINGTAIL_PROMISCUOUS, packet_flags::promiscuous));
static_assert(same(RINGTAIL_RX_HASH_VALID, packet_flags::rx_hash_valid));
static_assert(same(RINGTAIL_VLAN_RESTORED, packet_flags::vlan_restored));
static_assert(same(RINGTAIL_HARDWARE_TIMESTAMP, packet_flags::hardware_timestamp));
static_assert(same(RINGTAIL_TRUNCATED, packet_flags::truncated));
static_assert(same(RINGTAIL_AFTER_LOSS, packet_flags::after_loss));
static_assert(same(RINGTAIL_CHECKSUM_MISSING, packet_flags::checksum_missing));
static_assert(same(RINGTAIL_CHECKSUM_VALID, packet_flags::checksum_valid));

static_assert(same(RINGTAIL_PACKETS, ReceiveStatus::packets) && same(RINGTAIL_TIMEOUT, ReceiveStatus::timeout));
static_assert(same(RINGTAIL_NO_CREDIT, ReceiveStatus::no_credit));
static_assert(same(RINGTAIL_INTERRUPTED, ReceiveStatus::interrupted));
static_assert(same(RINGTAIL_END_OF_STREAM, ReceiveStatus::end_of_stream));

static_assert(same(RINGTAIL_INOUT, Direction::inout) && same(RINGTAIL_IN, Direction::in));
static_assert(same(RINGTAIL_OUT, Direction::out));
static_assert(same(RINGTAIL_HOST_TIME, TimestampType::host) && same(RINGTAIL_ADAPTER_TIME, TimestampType::adapter));
static_assert(same(RINGTAIL_ADAPTER_TIME_UNSYNCED, TimestampType::adapter_unsynced));
static_assert(same(RINGTAIL_NUMA_AUTOMATIC, numa_automatic) && same(RINGTAIL_NUMA_OFF, numa_off));
static_assert(same(RINGTAIL_FANOUT_HASH, FanoutMode::hash) && same(RINGTAIL_FANOUT_CPU, FanoutMode::cpu));
static_assert(same(RINGTAIL_FANOUT_LOAD_BALANCE, FanoutMode::load_balance));
static_assert(same(RINGTAIL_FANOUT_ROLLOVER, FanoutMode::rollover));
static_assert(same(RINGTAIL_FANOUT_RANDOM, FanoutMode::random));
static_assert(same(RINGTAIL_FANOUT_QUEUE_MAPPING, FanoutMode::queue_mapping));

static_assert(same(RINGTAIL_PCAPNG, FileFormat::pcapng) && same(RINGTAIL_PCAP, FileFormat::pcap));
static_assert(same(RINGTAIL_NSECPCAP, FileFormat::nsecpcap));

}  // namespace
}  // namespace ringtail
