#include "capture_file.h"

#include <string.h>
#include <unistd.h>

#include "check.h"

void make_capture_file(uint32_t packets, char* device, unsigned long device_bytes) {
  char path[] = "/tmp/ringtail-c-api-XXXXXX";
  const int descriptor = mkstemp(path);
  CHECK(descriptor >= 0);
  FILE* file = fdopen(descriptor, "wb");
  CHECK(file != NULL);
  const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1};
  CHECK(fwrite(header, sizeof header, 1, file) == 1);
  for (uint32_t number = 0; number < packets; ++number) {
    const uint32_t record[4] = {0, number, numbered_packet_bytes, 1000};
    uint8_t bytes[numbered_packet_bytes] = {0};
    bytes[12] = 0x88;
    bytes[13] = 0xb5;
    for (int byte = 0; byte < 4; ++byte) bytes[14 + byte] = (uint8_t)(number >> (24 - 8 * byte));
    CHECK(fwrite(record, sizeof record, 1, file) == 1 && fwrite(bytes, sizeof bytes, 1, file) == 1);
  }
  CHECK(fclose(file) == 0);
  CHECK((unsigned long)snprintf(device, device_bytes, "file:%s", path) < device_bytes);
}

void remove_capture_file(const char* device) {
  CHECK(unlink(device + strlen("file:")) == 0);
}

uint32_t packet_number(const uint8_t* bytes) {
  return (uint32_t)bytes[14] << 24 | (uint32_t)bytes[15] << 16 | (uint32_t)bytes[16] << 8 | bytes[17];
}
