// Counts packets and bytes. An analyzer in C99 that waits with poll(2), as a program does that has other descriptors to
// look after.
//
//   packet_counter eth0 100000          until so many packets were counted
//   packet_counter file:web.pcapng      to the end of a file
//
// Built with find_package(ringtail), target ringtail::c, or with `pkg-config --cflags --libs ringtail-c`.
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <ringtail/ringtail.h>

struct count {
  uint64_t packets;
  uint64_t bytes;
};

/// Sleeps until there may be a packet. A file always has one, and has no descriptor.
static void wait_for_packets(const ringtail_source* source) {
  struct pollfd descriptor = {ringtail_pollable_descriptor(source), POLLIN, 0};
  if (descriptor.fd >= 0) (void)poll(&descriptor, 1, 1000);
}

static struct count count_packets(ringtail_source* source, uint64_t limit) {
  struct count count = {0, 0};
  while (count.packets < limit) {
    ringtail_batch batch;
    switch (ringtail_receive(source, 0, &batch)) {
      case RINGTAIL_PACKETS:
        if (batch.count > limit - count.packets) ringtail_keep_first(&batch, (uint32_t)(limit - count.packets));
        for (uint32_t index = 0; index < batch.count; ++index) count.bytes += batch.packets[index].wire_length;
        count.packets += batch.count;
        ringtail_release(&batch);
        break;
      case RINGTAIL_END_OF_STREAM:
        return count;
      default:
        wait_for_packets(source);
    }
  }
  return count;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "packet_counter DEVICE [PACKETS]\n");
    return 2;
  }
  const uint64_t limit = argc > 2 ? strtoull(argv[2], NULL, 10) : UINT64_MAX;
  ringtail_error error;
  ringtail_open_options options;
  ringtail_init_open_options(&options, sizeof options);
  options.snaplen = 64;  // lengths are all that is looked at
  ringtail_source* source = ringtail_open(argv[1], &options, &error);
  if (source == NULL) {
    fprintf(stderr, "packet_counter: %s\n", error.message);
    return 1;
  }
  const struct count count = count_packets(source, limit);
  ringtail_stats stats;
  ringtail_get_stats(source, &stats, sizeof stats);
  printf("%" PRIu64 " packets, %" PRIu64 " bytes, %" PRIu64 " dropped\n", count.packets, count.bytes,
         stats.dropped_ring);
  const int broken = ringtail_failure(source, &error);
  if (broken) fprintf(stderr, "packet_counter: %s\n", error.message);
  ringtail_close(source);
  return broken;
}
