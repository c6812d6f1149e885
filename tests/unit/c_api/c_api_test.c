// The C interface as a C99 program meets it. Each case is a run of its own:  c_api_test CASE
#include <pthread.h>
#include <string.h>

#include <ringtail/ringtail.h>

#include "capture_file.h"
#include "check.h"

enum { file_packets = 3000 };

static const int64_t patience_ns = 10000000000;

static ringtail_source* open_numbered(const ringtail_open_options* options) {
  char device[64];
  ringtail_error error;
  make_capture_file(file_packets, device, sizeof device);
  ringtail_source* source = ringtail_open(device, options, &error);
  remove_capture_file(device);
  CHECK(source != NULL);
  CHECK(strcmp(ringtail_name(source), device) == 0 && strcmp(ringtail_backend(source), "file") == 0);
  return source;
}

static void test_packets_come_whole_and_in_order(void) {
  ringtail_source* source = open_numbered(NULL);
  ringtail_batch batch;
  uint32_t expected = 0;
  while (ringtail_receive(source, patience_ns, &batch) == RINGTAIL_PACKETS) {
    CHECK(batch.count > 0);
    for (uint32_t index = 0; index < batch.count; ++index) {
      const ringtail_packet* packet = &batch.packets[index];
      CHECK(packet->captured_length == numbered_packet_bytes && packet->wire_length == 1000);
      CHECK(packet->timestamp_ns == expected * 1000);
      CHECK(packet_number(ringtail_data(&batch, index)) == expected++);
    }
    ringtail_release(&batch);
    CHECK(batch.loan == NULL && batch.count == 0);
    ringtail_release(&batch);  // an empty one is left alone
  }
  CHECK(expected == file_packets);
  CHECK(batch.loan == NULL && batch.count == 0);
  CHECK(ringtail_failure(source, NULL) == 0);

  ringtail_stats stats;
  ringtail_get_stats(source, &stats, sizeof stats);
  CHECK(stats.received == file_packets && stats.delivered == file_packets && stats.unread == 0);
  CHECK(stats.delivered_bytes == file_packets * numbered_packet_bytes);
  ringtail_close(source);
}

static void test_a_filter_and_a_limit(void) {
  ringtail_open_options options;
  ringtail_init_open_options(&options, sizeof options);
  options.filter = "ether[16:2] < 100";  // the low half of the number
  options.batch_packets = 64;
  ringtail_source* source = open_numbered(&options);
  ringtail_batch batch;
  CHECK(ringtail_receive(source, patience_ns, &batch) == RINGTAIL_PACKETS);
  CHECK(batch.count == 64);
  ringtail_keep_first(&batch, 64);
  ringtail_keep_first(&batch, 10);
  CHECK(batch.count == 10 && packet_number(ringtail_data(&batch, 9)) == 9);
  ringtail_release(&batch);
  CHECK(ringtail_receive(source, patience_ns, &batch) == RINGTAIL_PACKETS);
  CHECK(batch.count == 36);
  ringtail_keep_first(&batch, 0);
  CHECK(batch.loan == NULL);
  CHECK(ringtail_receive(source, patience_ns, &batch) == RINGTAIL_END_OF_STREAM);

  ringtail_stats stats;
  ringtail_get_stats(source, &stats, sizeof stats);
  CHECK(stats.received == 100 && stats.delivered == 10 && stats.unread == 90);
  ringtail_close(source);
}

static void* release_on_another_thread(void* batch) {
  ringtail_release(batch);
  return NULL;
}

static void test_batches_go_back_in_any_order_on_any_thread_after_their_source(void) {
  enum { batches = 8 };
  ringtail_open_options options;
  ringtail_init_open_options(&options, sizeof options);
  options.batch_packets = 32;
  ringtail_source* source = open_numbered(&options);
  ringtail_batch batch[batches];
  for (int index = 0; index < batches; ++index) {
    CHECK(ringtail_receive(source, patience_ns, &batch[index]) == RINGTAIL_PACKETS);
  }
  ringtail_release(&batch[3]);
  ringtail_close(source);
  CHECK(packet_number(ringtail_data(&batch[7], 31)) == 8 * 32 - 1);
  pthread_t threads[batches];
  for (int index = 0; index < batches; ++index) {
    CHECK(pthread_create(&threads[index], NULL, release_on_another_thread, &batch[index]) == 0);
  }
  for (int index = 0; index < batches; ++index) CHECK(pthread_join(threads[index], NULL) == 0);
}

static void test_errors_say_what_and_why(void) {
  ringtail_error error;
  CHECK(ringtail_open("file:/nonexistent/capture", NULL, &error) == NULL);
  CHECK(strstr(error.message, "/nonexistent/capture") != NULL);
  CHECK(error.error_number == 2 && error.bad_usage == 0);
  CHECK(ringtail_open("file:/nonexistent/capture", NULL, NULL) == NULL);

  ringtail_open_options options;
  ringtail_init_open_options(&options, sizeof options);
  char filter[2000];
  memset(filter, 'x', sizeof filter);
  filter[sizeof filter - 1] = 0;
  options.filter = filter;
  CHECK(ringtail_open("lo", &options, &error) == NULL);
  CHECK(strlen(error.message) < sizeof error.message);

  ringtail_init_open_options(&options, sizeof options);
  options.direction = 7;
  CHECK(ringtail_open("lo", &options, &error) == NULL);
  CHECK(error.bad_usage == 1 && strstr(error.message, "direction cannot be 7") != NULL);
  ringtail_init_open_options(&options, sizeof options);
  options.dpdk_queues = 70000;
  CHECK(ringtail_open("lo", &options, &error) == NULL);
  CHECK(error.bad_usage == 1 && strstr(error.message, "dpdk_queues cannot be 70000") != NULL);
}

// A program built with an older header, and one built with a newer.
static void test_options_of_other_versions(void) {
  ringtail_open_options older;
  ringtail_error error;
  memset(&older, 0x5a, sizeof older);
  ringtail_init_open_options(&older, sizeof older - 8);
  older.batch_packets = 17;
  ringtail_source* source = open_numbered(&older);  // the last field is not looked at
  ringtail_batch batch;
  CHECK(ringtail_receive(source, patience_ns, &batch) == RINGTAIL_PACKETS && batch.count == 17);
  ringtail_release(&batch);

  struct {
    ringtail_open_options known;
    uint64_t added;
  } newer;
  memset(&newer, 0x5a, sizeof newer);
  ringtail_init_open_options(&newer.known, sizeof newer);
  CHECK(newer.known.struct_bytes == sizeof newer && newer.added == 0);
  ringtail_close(source);
  source = open_numbered(&newer.known);
  newer.added = 1;
  CHECK(ringtail_open("lo", &newer.known, &error) == NULL);
  CHECK(error.bad_usage == 1 && strstr(error.message, "does not know") != NULL);

  ringtail_open_options never;
  memset(&never, 0, sizeof never);
  CHECK(ringtail_open("lo", &never, &error) == NULL);
  CHECK(error.bad_usage == 1 && strstr(error.message, "ringtail_init_open_options") != NULL);

  struct {
    ringtail_stats known;
    uint64_t added;
  } stats;
  memset(&stats, 0x5a, sizeof stats);
  ringtail_get_stats(source, &stats.known, sizeof stats);
  CHECK(stats.known.freezes == 0 && stats.added == 0);
  memset(&stats, 0x5a, sizeof stats);
  ringtail_get_stats(source, &stats.known, 2 * sizeof(uint64_t));
  CHECK(stats.known.delivered == 0 && stats.known.unread == 0x5a5a5a5a5a5a5a5a);
  ringtail_close(source);
}

static void test_interfaces_and_devices(void) {
  ringtail_source* source = open_numbered(NULL);
  ringtail_interface interface;
  CHECK(ringtail_interface_count(source) == 1);
  CHECK(ringtail_get_interface(source, 0, &interface, sizeof interface) == 0);
  CHECK(interface.link_type == 1 && interface.name != NULL && interface.device_flags == 0);
  CHECK(ringtail_get_interface(source, 1, &interface, sizeof interface) == -1);
  CHECK(ringtail_pollable_descriptor(source) == -1);
  const char* name;
  uint64_t value;
  CHECK(ringtail_get_counter(source, 1000, &name, &value) == 0);
  ringtail_close(source);

  ringtail_error error;
  ringtail_devices* devices = ringtail_list_devices(&error);
  CHECK(devices != NULL);
  int loopbacks = 0;
  for (size_t index = 0; index < ringtail_device_count(devices); ++index) {
    CHECK(ringtail_get_device(devices, index, &interface, sizeof interface) == 0);
    CHECK(interface.index != 0);
    if ((interface.device_flags & RINGTAIL_LOOPBACK) != 0 && strcmp(interface.name, "lo") == 0) ++loopbacks;
  }
  CHECK(loopbacks == 1);
  CHECK(ringtail_get_device(devices, ringtail_device_count(devices), &interface, sizeof interface) == -1);
  ringtail_free_devices(devices);
}

static void test_an_interrupt_is_not_lost(void) {
  ringtail_error error;
  ringtail_source* source = ringtail_open("lo", NULL, &error);
  if (source == NULL) SKIP("%s", error.message);
  ringtail_batch batch;
  ringtail_interrupt(source);
  CHECK(ringtail_receive(source, patience_ns, &batch) == RINGTAIL_INTERRUPTED);
  CHECK(batch.loan == NULL);
  CHECK(ringtail_pollable_descriptor(source) >= 0);
  ringtail_stop(source);
  ringtail_receive_status status;
  while ((status = ringtail_receive(source, patience_ns, &batch)) == RINGTAIL_PACKETS) ringtail_release(&batch);
  CHECK(status == RINGTAIL_END_OF_STREAM);
  ringtail_close(source);
}

static void test_fanout_members_share_one_device(void) {
  ringtail_error error;
  ringtail_source* members[2] = {NULL, NULL};
  if (ringtail_open_fanout("lo", NULL, 2, members, &error) != 0) SKIP("%s", error.message);
  CHECK(members[0] != NULL && members[1] != NULL && strcmp(ringtail_backend(members[1]), "tpacket") == 0);
  ringtail_close(members[0]);
  ringtail_close(members[1]);
  CHECK(ringtail_open_fanout("lo", NULL, 0, members, &error) == -1 && error.bad_usage == 1);
}

// DPDK comes as a module with private parts of its own, whichever way the library came.
static void test_dpdk_is_loaded_when_asked_for(void) {
  ringtail_open_options options;
  ringtail_error error;
  ringtail_init_open_options(&options, sizeof options);
  options.buffer_bytes = 16 << 20;
  options.dpdk_huge_pages = 0;
  ringtail_source* source = ringtail_open("dpdk:net_null0,size=128", &options, &error);
  if (source == NULL) fprintf(stderr, "%s\n", error.message);
  CHECK(source != NULL && strcmp(ringtail_backend(source), "dpdk") == 0);
  ringtail_batch batch;
  CHECK(ringtail_receive(source, patience_ns, &batch) == RINGTAIL_PACKETS);
  CHECK(batch.packets[0].captured_length == 128);
  const char* name;
  uint64_t value;
  CHECK(ringtail_get_counter(source, 0, &name, &value) == 1 && strcmp(name, "imissed") == 0);
  ringtail_close(source);
  CHECK(ringtail_data(&batch, 0)[127] == 0);
  ringtail_release(&batch);
  CHECK(ringtail_open("dpdk:net_nonsense0", &options, &error) == NULL);
  CHECK(strstr(error.message, "net_nonsense0") != NULL);
}

static void test_what_is_recorded_can_be_read_again(void) {
  ringtail_error error;
  ringtail_source* source = open_numbered(NULL);
  ringtail_recorder_options options;
  ringtail_init_recorder_options(&options, sizeof options);
  CHECK(ringtail_create_recorder(&options, NULL, 0, &error) == NULL && error.bad_usage == 1);
  char device[64];
  make_capture_file(0, device, sizeof device);  // a name; it is replaced
  options.path = device + strlen("file:");
  const ringtail_source* sources[1] = {source};
  ringtail_recorder* recorder = ringtail_create_recorder(&options, sources, 1, &error);
  CHECK(recorder != NULL);
  ringtail_batch batch;
  while (ringtail_receive(source, patience_ns, &batch) == RINGTAIL_PACKETS) {
    ringtail_write(recorder, 0, &batch);
    CHECK(batch.loan == NULL);
    ringtail_tick(recorder);
  }
  ringtail_write(recorder, 0, &batch);  // empty: nothing happens
  CHECK(ringtail_finish_recorder(recorder, &error) == 0);
  ringtail_recorder_stats stats;
  ringtail_get_recorder_stats(recorder, &stats, sizeof stats);
  CHECK(stats.written_packets == file_packets && stats.dropped_writer == 0 && stats.files_total == 1);
  ringtail_free_recorder(recorder);
  ringtail_close(source);

  source = ringtail_open(device, NULL, &error);
  CHECK(source != NULL);
  uint32_t packets = 0;
  while (ringtail_receive(source, patience_ns, &batch) == RINGTAIL_PACKETS) {
    packets += batch.count;
    ringtail_release(&batch);
  }
  CHECK(packets == file_packets);
  ringtail_close(source);
  remove_capture_file(device);
}

static const struct {
  const char* name;
  void (*run)(void);
} cases[] = {
    {"packets_come_whole_and_in_order", test_packets_come_whole_and_in_order},
    {"a_filter_and_a_limit", test_a_filter_and_a_limit},
    {"batches_go_back_in_any_order_on_any_thread_after_their_source",
     test_batches_go_back_in_any_order_on_any_thread_after_their_source},
    {"errors_say_what_and_why", test_errors_say_what_and_why},
    {"options_of_other_versions", test_options_of_other_versions},
    {"interfaces_and_devices", test_interfaces_and_devices},
    {"an_interrupt_is_not_lost", test_an_interrupt_is_not_lost},
    {"fanout_members_share_one_device", test_fanout_members_share_one_device},
    {"dpdk_is_loaded_when_asked_for", test_dpdk_is_loaded_when_asked_for},
    {"what_is_recorded_can_be_read_again", test_what_is_recorded_can_be_read_again},
};

int main(int argc, char** argv) {
  for (size_t index = 0; index < sizeof cases / sizeof cases[0]; ++index) {
    if (argc == 2 && strcmp(argv[1], cases[index].name) == 0) {
      cases[index].run();
      return 0;
    }
  }
  fprintf(stderr, "%s: no such case\n", argc == 2 ? argv[1] : "(none given)");
  return 2;
}
