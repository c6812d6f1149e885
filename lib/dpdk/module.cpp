#include "dpdk/module.hpp"

#include "dpdk/backend.hpp"
#include "dpdk/transmitter.hpp"

extern "C" __attribute__((visibility("default"))) const ringtail::dpdk::ModuleTable* ringtail_dpdk_module() {
  static const ringtail::dpdk::ModuleTable table{
      .identity = {}, .open = &ringtail::dpdk::open_backend, .open_transmitter = &ringtail::dpdk::open_transmitter};
  return &table;
}
