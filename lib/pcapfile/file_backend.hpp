// A capture file as a source.
#pragma once

#include <string_view>

#include <ringtail/error.hpp>
#include <ringtail/options.hpp>
#include <ringtail/source.hpp>

namespace ringtail::pcapfile {

/// Opens `path` ("-": standard input): pcapng or classic pcap, a regular file or a pipe. Reads as far as the first
/// interface, so a pipe makes this wait until its writer has written that. The path is what follows "file:".
///
/// Of the options, a file obeys: filter (compiled for each link type that occurs; an interface it cannot be compiled
/// for ends the stream), snaplen, direction (packets whose direction the file does not say are neither in nor out),
/// batch_packets, buffer_bytes and block_bytes (rounded up to 1 MiB), link_type (an interface with another one ends the
/// stream). A fanout group is a usage error.
///
/// A file that ends in the middle of a record, or goes on with something else, delivers all whole records before; then
/// failure() says what and where.
[[nodiscard]] Result<detail::BackendPointer> open_file(std::string_view path, const OpenOptions& options);

}  // namespace ringtail::pcapfile
