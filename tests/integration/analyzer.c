// What analyzer.cpp is through the C++ interface, through the C one, in short: judges numbered frames that should come
// whole and in order, to the end of the stream.
//
//   c_analyzer ringtail:cap
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <ringtail/ringtail.h>

// tests/fixture/numbered_frames.hpp
enum { number_offset = 14, length_offset = 22, checksum_offset = 26, pattern_offset = 30 };

struct verdict {
  uint64_t packets;
  uint64_t wrong;  ///< damaged, doubled, or out of order
  uint64_t next;   ///< the lowest number that may come
};

static bool is_intact(const uint8_t* bytes, uint32_t length, uint64_t* number) {
  uint32_t said_length;
  uint32_t said_checksum;
  if (length < pattern_offset) return false;
  memcpy(number, bytes + number_offset, sizeof *number);
  memcpy(&said_length, bytes + length_offset, sizeof said_length);
  memcpy(&said_checksum, bytes + checksum_offset, sizeof said_checksum);
  uint32_t checksum = 0x811c9dc5U ^ (uint32_t)*number;
  for (uint32_t at = pattern_offset; at < length; ++at) checksum = (checksum ^ bytes[at]) * 16777619U;
  return said_length == length && said_checksum == checksum;
}

static void judge(struct verdict* verdict, const ringtail_batch* batch) {
  for (uint32_t index = 0; index < batch->count; ++index) {
    const ringtail_packet* packet = &batch->packets[index];
    uint64_t number = 0;
    if (is_intact(ringtail_data(batch, index), packet->captured_length, &number) && number >= verdict->next) {
      verdict->next = number + 1;
    } else {
      ++verdict->wrong;
    }
  }
  verdict->packets += batch->count;
}

static struct verdict analyze(ringtail_source* source) {
  struct verdict verdict = {0, 0, 0};
  for (;;) {
    ringtail_batch batch;
    switch (ringtail_receive(source, INT64_C(1000000000), &batch)) {
      case RINGTAIL_PACKETS:
        judge(&verdict, &batch);
        ringtail_release(&batch);
        break;
      case RINGTAIL_END_OF_STREAM:
        return verdict;
      default:
        break;
    }
  }
}

int main(int argc, char** argv) {
  ringtail_error error;
  ringtail_source* source = argc == 2 ? ringtail_open(argv[1], NULL, &error) : NULL;
  if (source == NULL) {
    fprintf(stderr, "c_analyzer: %s\n", argc == 2 ? error.message : "one device, please");
    return 1;
  }
  const struct verdict verdict = analyze(source);
  ringtail_stats stats;
  ringtail_get_stats(source, &stats, sizeof stats);
  printf("{\"packets\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"dropped\": %" PRIu64 "}\n", verdict.packets,
         verdict.wrong, stats.dropped_ring);
  const int broken = ringtail_failure(source, &error);
  ringtail_close(source);
  return broken;
}
