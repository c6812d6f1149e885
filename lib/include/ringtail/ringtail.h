// ringtail for C, and for every language that can call C. C99 and C++.
//
//   ringtail_error error;
//   ringtail_source* source = ringtail_open("eth0", NULL, &error);
//   if (source == NULL) return complain(error.message);
//   for (;;) {
//     ringtail_batch batch;
//     if (ringtail_receive(source, 100000000, &batch) == RINGTAIL_END_OF_STREAM) break;
//     for (uint32_t i = 0; i < batch.count; ++i) inspect(ringtail_data(&batch, i), batch.packets[i].captured_length);
//     ringtail_release(&batch);                            // its memory goes back
//   }
//   ringtail_close(source);
//
// Who owns what when, and what the counters mean: lib/README.md. What libpcap's and PF_RING's calls become:
// lib/MIGRATING.md.
//
// Compatibility. Within one SONAME (libringtail.so.0) a program keeps working with every later library. Structs that
// may grow are passed with their size: what the caller does not know is left alone, what the library does not know must
// be zero. ringtail_packet, ringtail_batch and ringtail_error never change.
//
// Threads. ringtail_receive() belongs to one thread at a time. ringtail_stop(), ringtail_interrupt() and the functions
// that only ask may be called from any thread meanwhile, ringtail_interrupt() from a signal handler too. A batch may be
// released on any thread, in any order, even after ringtail_close(). A recorder belongs to one thread at a time.
//
// Processes. A source belongs to the process that opened it. In a child made by fork(2) it has ended, and
// ringtail_failure() says why; the child may close it and release its batches, which the parent does not notice, but
// not read their packets: what another process lends is not handed on to children.
//
// Nothing here prints, exits or raises signals. A NULL `error` is allowed everywhere.
#ifndef RINGTAIL_RINGTAIL_H
#define RINGTAIL_RINGTAIL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RINGTAIL_API __attribute__((visibility("default")))

/// "0.1.0": of the library that runs, which may be newer than this header.
RINGTAIL_API const char* ringtail_version(void);

/// What a source says about one packet: the same 40 bytes as ringtail::PacketDescriptor. The bytes lie at `offset` from
/// the batch's `memory`.
///
///      0               8               16      20      24      28      32    34    36    38    40
///      | offset        | timestamp_ns  | capt. | wire  | hash  | flags | tci | tpid| if  | que |
typedef struct ringtail_packet {
  uint64_t offset;           ///< from the batch's memory, in bytes
  uint64_t timestamp_ns;     ///< since 1970-01-01 UTC; not monotonic, not even inside a batch
  uint32_t captured_length;  ///< bytes there are to read
  uint32_t wire_length;      ///< bytes there were on the wire; >= captured_length
  uint32_t rx_hash;          ///< flow hash, where RINGTAIL_RX_HASH_VALID
  uint32_t flags;            ///< RINGTAIL_INBOUND ... RINGTAIL_CHECKSUM_VALID
  uint16_t vlan_tci;         ///< metadata only: the tag itself is back in the bytes
  uint16_t vlan_tpid;        ///< 0x8100, 0x88a8, ...
  uint16_t interface_id;     ///< for ringtail_get_interface()
  uint16_t queue;            ///< receive queue (DPDK only)
} ringtail_packet;

enum {
  RINGTAIL_DIRECTION_MASK = 0x3,  ///< one of the two below, or 0 for "not known"
  RINGTAIL_INBOUND = 0x1,
  RINGTAIL_OUTBOUND = 0x2,
  RINGTAIL_RECEPTION_MASK = 0x1c,  ///< how the frame was addressed: one of the four below, or 0
  RINGTAIL_UNICAST = 0x04,
  RINGTAIL_MULTICAST = 0x08,
  RINGTAIL_BROADCAST = 0x0c,
  RINGTAIL_PROMISCUOUS = 0x10,
  RINGTAIL_RX_HASH_VALID = 1 << 16,       ///< rx_hash holds the kernel's or the NIC's flow hash
  RINGTAIL_VLAN_RESTORED = 1 << 17,       ///< vlan_tci and vlan_tpid are set and the tag is in the bytes
  RINGTAIL_HARDWARE_TIMESTAMP = 1 << 18,  ///< timestamp_ns is the adapter's own clock
  RINGTAIL_TRUNCATED = 1 << 19,           ///< cut for want of room, not by the snaplen
  RINGTAIL_AFTER_LOSS = 1 << 20,          ///< packets were lost before this one
  RINGTAIL_CHECKSUM_MISSING = 1 << 21,    ///< checksum not filled in yet (offload, local sender)
  RINGTAIL_CHECKSUM_VALID = 1 << 22       ///< the kernel or the NIC has checked it
};

/// A loan: packets that still lie in the memory they arrived in, which must not be written. The struct is the caller's
/// and is filled in by ringtail_receive(). Copying it copies no loan: exactly one copy is released, once, and then
/// nothing reads the packets of any.
typedef struct ringtail_batch {
  const ringtail_packet* packets;
  const uint8_t* memory;  ///< what the packets' offsets count from
  void* loan;             ///< the library's; NULL: nothing is borrowed
  uint32_t count;
  uint32_t reserved;
} ringtail_batch;

/// First captured byte of packet `index` < batch->count: the link-layer header.
static inline const uint8_t* ringtail_data(const ringtail_batch* batch, uint32_t index) {
  return batch->memory + batch->packets[index].offset;
}

/// Gives the memory back; the batch is empty afterwards. An empty one (all zero) is left alone.
RINGTAIL_API void ringtail_release(ringtail_batch* batch);

/// Keeps only the first `count` packets, for an exact packet limit; the source counts the rest as unread.
RINGTAIL_API void ringtail_keep_first(ringtail_batch* batch, uint32_t count);

/// Why something failed; filled in only where a function says that it failed. The caller's memory.
typedef struct ringtail_error {
  int32_t error_number;  ///< the errno behind it, 0 when there is none
  int32_t bad_usage;     ///< 1: the request itself is impossible, whatever the machine
  char message[1016];    ///< "<what was tried>: <why>[; <what to do>]", one line, cut where it is longer
} ringtail_error;

enum { RINGTAIL_INOUT = 0, RINGTAIL_IN = 1, RINGTAIL_OUT = 2 };
enum { RINGTAIL_HOST_TIME = 0, RINGTAIL_ADAPTER_TIME = 1, RINGTAIL_ADAPTER_TIME_UNSYNCED = 2 };
enum { RINGTAIL_NUMA_AUTOMATIC = -1, RINGTAIL_NUMA_OFF = -2 };
enum {
  RINGTAIL_NO_FANOUT = -1,
  RINGTAIL_FANOUT_HASH = 0,
  RINGTAIL_FANOUT_LOAD_BALANCE = 1,
  RINGTAIL_FANOUT_CPU = 2,
  RINGTAIL_FANOUT_ROLLOVER = 3,
  RINGTAIL_FANOUT_RANDOM = 4,
  RINGTAIL_FANOUT_QUEUE_MAPPING = 5
};

/// How a source is opened; <ringtail/options.hpp> says more about each field. ringtail_init_open_options() first, so
/// that every field has its default, also those that a later header adds.
typedef struct ringtail_open_options {
  size_t struct_bytes;           ///< set by ringtail_init_open_options()
  const char* filter;            ///< pcap-filter(7) text; NULL: everything
  uint64_t buffer_bytes;         ///< ring memory
  uint64_t block_bytes;          ///< a power of two
  uint32_t snaplen;              ///< captured bytes per packet, 1 to 262144
  uint32_t retire_timeout_ms;    ///< when a part-filled block is handed over
  uint32_t batch_packets;        ///< packets per batch at most
  int32_t promiscuous;           ///< 0 or 1, as all that follow unless they say otherwise
  int32_t direction;             ///< RINGTAIL_INOUT ...
  int32_t timestamp_type;        ///< RINGTAIL_HOST_TIME ...
  int32_t link_type;             ///< LINKTYPE_ value; -1: the device's own
  int32_t wait_for_interface;    ///< carry on when the interface or the publisher goes away
  int32_t flow_hash;             ///< have the kernel compute rx_hash
  int32_t lock_filter;           ///< SO_LOCK_FILTER
  int32_t numa_node;             ///< a node, or RINGTAIL_NUMA_AUTOMATIC ...
  int32_t fanout_mode;           ///< RINGTAIL_NO_FANOUT ...
  int32_t fanout_group;          ///< members share it; -1: a free one
  int32_t fanout_rollover;       ///< a full member's packets go to the next
  int32_t fanout_defragment;     ///< reassemble IPv4 fragments before hashing
  int32_t dpdk_huge_pages;       ///< 0: --no-huge
  const char* dpdk_arguments;    ///< for rte_eal_init; NULL: none
  const char* dpdk_file_prefix;  ///< NULL: no files at all
  uint32_t dpdk_queues;          ///< receive queues of the port
  int32_t dpdk_queue;            ///< read only this one; -1: all
  uint32_t dpdk_descriptors;     ///< per queue
  uint32_t dpdk_mtu;             ///< 0: as it is
  int32_t busy_poll;             ///< never sleep between two looks (dpdk:, ringtail:)
  uint32_t dpdk_link_wait_ms;    ///< wait this long for the link to come up
} ringtail_open_options;

/// Defaults in every field. `struct_bytes`: sizeof(ringtail_open_options).
RINGTAIL_API void ringtail_init_open_options(ringtail_open_options* options, size_t struct_bytes);

typedef struct ringtail_source ringtail_source;

/// `device`: "eth0", "any", "dpdk:<pci address or vdev args>", "file:<path>", "ringtail:<name>". NULL options: the
/// defaults. NULL: failed.
RINGTAIL_API ringtail_source* ringtail_open(const char* device, const ringtail_open_options* options,
                                            ringtail_error* error);

/// Opens `members` (1 to 256) sources among which the kernel spreads the packets, all of them joined before the first
/// packet is accepted. `sources` has room for them and is filled in only on success. 0, or -1: failed.
RINGTAIL_API int ringtail_open_fanout(const char* device, const ringtail_open_options* options, uint16_t members,
                                      ringtail_source** sources, ringtail_error* error);

/// Ends the capture at once (ringtail_stop() and drain first to lose nothing). Batches stay valid. NULL is left alone.
RINGTAIL_API void ringtail_close(ringtail_source* source);

typedef enum ringtail_receive_status {
  RINGTAIL_PACKETS = 0,       ///< `batch` holds at least one packet
  RINGTAIL_TIMEOUT = 1,       ///< nothing arrived in time
  RINGTAIL_NO_CREDIT = 2,     ///< all memory is lent out; waited for the whole timeout
  RINGTAIL_INTERRUPTED = 3,   ///< ringtail_interrupt() was called
  RINGTAIL_END_OF_STREAM = 4  ///< no packet will ever come again; ringtail_failure() says why, if for a reason
} ringtail_receive_status;

/// Waits at most `timeout_ns` (0: only looks; negative: as long as it takes) and lends the next packets. `batch` is
/// overwritten: what it held was released or handed over before. It is empty unless RINGTAIL_PACKETS is returned.
RINGTAIL_API ringtail_receive_status ringtail_receive(ringtail_source* source, int64_t timeout_ns,
                                                      ringtail_batch* batch);

/// Ends the inflow without losing what has already been accepted: ringtail_receive() hands out the rest and then says
/// RINGTAIL_END_OF_STREAM. Returns at once.
RINGTAIL_API void ringtail_stop(ringtail_source* source);

/// Makes the current ringtail_receive(), or the next one, return RINGTAIL_INTERRUPTED. Async-signal-safe.
RINGTAIL_API void ringtail_interrupt(ringtail_source* source);

/// After RINGTAIL_END_OF_STREAM: 1 and the reason in `error` when the stream broke off, 0 when it simply ended.
RINGTAIL_API int ringtail_failure(const ringtail_source* source, ringtail_error* error);

/// Readable when ringtail_receive() may have something (level triggered, may be spurious); -1 where there is none
/// (file:). The source's: not to be closed.
RINGTAIL_API int ringtail_pollable_descriptor(const ringtail_source* source);

RINGTAIL_API const char* ringtail_name(const ringtail_source* source);     ///< the device string it was opened with
RINGTAIL_API const char* ringtail_backend(const ringtail_source* source);  ///< "tpacket", "dpdk", "file", "share"

/// Figures since the source was opened, as <ringtail/stats.hpp> explains them. At every moment after the end of the
/// stream: received = delivered + dropped_ring + unread.
typedef struct ringtail_stats {
  uint64_t received;
  uint64_t delivered;
  uint64_t dropped_ring;
  uint64_t unread;
  uint64_t dropped_interface;
  uint64_t freezes;
  uint64_t truncated;
  uint64_t delivered_bytes;
  uint64_t malformed;
} ringtail_stats;

/// `struct_bytes`: sizeof(ringtail_stats).
RINGTAIL_API void ringtail_get_stats(const ringtail_source* source, ringtail_stats* stats, size_t struct_bytes);

/// What this kind of source counts beyond ringtail_stats (DPDK: drops by cause). Number `index` from 0 on: 1, or 0 when
/// there is no such counter. `name` is valid as long as the program runs.
RINGTAIL_API int ringtail_get_counter(const ringtail_source* source, uint32_t index, const char** name,
                                      uint64_t* value);

/// The strings are never NULL, may be empty, and live as long as the source (or the list of devices) they came from.
typedef struct ringtail_interface {
  const char* name;
  const char* description;
  const char* filter;    ///< the capture filter in force
  const char* hardware;  ///< driver and bus
  uint64_t speed_bps;    ///< 0: not known
  uint32_t index;        ///< the kernel's ifindex, 0 where there is none
  uint32_t snaplen;      ///< 0: no limit
  uint32_t link_type;    ///< https://www.tcpdump.org/linktypes.html
  uint8_t mac_address[6];
  uint8_t has_mac_address;
  uint8_t device_flags;  ///< RINGTAIL_UP ...; 0 for interfaces of a source
} ringtail_interface;

/// Interfaces seen so far: a source on "any" may add further ones while it runs.
RINGTAIL_API uint16_t ringtail_interface_count(const ringtail_source* source);

/// 0, or -1 when there is no such interface. `struct_bytes`: sizeof(ringtail_interface).
RINGTAIL_API int ringtail_get_interface(const ringtail_source* source, uint16_t interface_id, ringtail_interface* out,
                                        size_t struct_bytes);

enum { RINGTAIL_UP = 1, RINGTAIL_RUNNING = 2, RINGTAIL_LOOPBACK = 4 };

typedef struct ringtail_devices ringtail_devices;

/// Interfaces of the current network namespace. NULL: failed.
RINGTAIL_API ringtail_devices* ringtail_list_devices(ringtail_error* error);
RINGTAIL_API size_t ringtail_device_count(const ringtail_devices* devices);
/// 0, or -1 when there is no such device. `struct_bytes`: sizeof(ringtail_interface).
RINGTAIL_API int ringtail_get_device(const ringtail_devices* devices, size_t index, ringtail_interface* out,
                                     size_t struct_bytes);
RINGTAIL_API void ringtail_free_devices(ringtail_devices* devices);

enum { RINGTAIL_PCAPNG = 0, RINGTAIL_PCAP = 1, RINGTAIL_NSECPCAP = 2 };

/// Where output goes and when the next file begins; <ringtail/recorder.hpp> says more. 0 switches a limit off.
typedef struct ringtail_recorder_options {
  size_t struct_bytes;         ///< set by ringtail_init_recorder_options()
  const char* path;            ///< "-": standard output
  int32_t file_format;         ///< RINGTAIL_PCAPNG ...
  int32_t group_readable;      ///< mode 0640 instead of 0600
  uint32_t flush_interval_ms;  ///< a packet is in the file at most this long after ringtail_write()
  uint32_t sync_interval_s;    ///< fdatasync this often
  uint64_t rotate_duration_ms;
  uint64_t rotate_file_bytes;
  uint64_t rotate_file_packets;
  uint64_t keep_files;  ///< this many files at most: the oldest is deleted
  uint64_t keep_bytes;
  const char* comment;  ///< of the section header; NULL: none
} ringtail_recorder_options;

/// Defaults in every field. `struct_bytes`: sizeof(ringtail_recorder_options).
RINGTAIL_API void ringtail_init_recorder_options(ringtail_recorder_options* options, size_t struct_bytes);

typedef struct ringtail_recorder ringtail_recorder;

/// Opens the first file and writes its header. The sources outlive the recorder; their ids are their places in the
/// array. NULL: failed.
RINGTAIL_API ringtail_recorder* ringtail_create_recorder(const ringtail_recorder_options* options,
                                                         const ringtail_source* const* sources, size_t source_count,
                                                         ringtail_error* error);

/// Takes the batch over, which is empty afterwards: its memory goes back when the file no longer needs it.
RINGTAIL_API void ringtail_write(ringtail_recorder* recorder, uint16_t source_id, ringtail_batch* batch);

/// Does what is due by the clock: flush, rotation, statistics. At least every flush interval, also on an idle link.
RINGTAIL_API void ringtail_tick(ringtail_recorder* recorder);

typedef struct ringtail_recorder_stats {
  uint64_t written_packets;
  uint64_t dropped_writer;  ///< delivered but in no file: the disk was full, broken or too slow
  uint64_t captured_bytes;
  uint64_t written_bytes;
  uint64_t files_total;
} ringtail_recorder_stats;

/// `struct_bytes`: sizeof(ringtail_recorder_stats).
RINGTAIL_API void ringtail_get_recorder_stats(const ringtail_recorder* recorder, ringtail_recorder_stats* stats,
                                              size_t struct_bytes);

/// Waits until every byte is in the file and closes it. 0, or -1: packets were dropped, `error` says why. The figures
/// may still be asked for.
RINGTAIL_API int ringtail_finish_recorder(ringtail_recorder* recorder, ringtail_error* error);

/// Finishes, if that was not done, and frees. NULL is left alone.
RINGTAIL_API void ringtail_free_recorder(ringtail_recorder* recorder);

#ifdef __cplusplus
}
#endif

#endif
