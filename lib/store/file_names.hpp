// Names of the files in a ring of files, as dumpcap makes them.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>

namespace ringtail::store {

/// "dir/out.pcapng", 1 -> "dir/out_00001_20261122065600.pcapng"; the time is local. What follows the last dot of the
/// name is the suffix; numbers beyond 99999 take the room they need. Source: wireshark ringbuffer.c, ringbuf_init() and
/// ringbuf_open_file().
[[nodiscard]] std::string numbered_file_name(const std::string& path, std::uint64_t number, std::time_t time);

}  // namespace ringtail::store
