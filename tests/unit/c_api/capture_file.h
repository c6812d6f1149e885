// A capture file of numbered packets, written by hand: microsecond pcap in the machine's byte order.
#pragma once

#include <stdint.h>

enum { numbered_packet_bytes = 60 };

/// Writes `packets` packets of numbered_packet_bytes whose bytes 14 to 17 are their number, big endian; packet n has
/// the time n microseconds and a wire length of 1000. "file:<path>" is in `device` afterwards.
void make_capture_file(uint32_t packets, char* device, unsigned long device_bytes);
void remove_capture_file(const char* device);

/// The number in a packet's bytes.
uint32_t packet_number(const uint8_t* bytes);
