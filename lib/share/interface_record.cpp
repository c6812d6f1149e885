#include "share/interface_record.hpp"

#include <cstring>
#include <iterator>
#include <string>

#include "base/printable.hpp"

namespace ringtail::share {

namespace {

template <std::size_t Bytes>
void put(char (&field)[Bytes], const std::string& text) {
  text.copy(field, Bytes - 1);
}

template <std::size_t Bytes>
std::string get(const char (&field)[Bytes]) {
  return base::printable({field, ::strnlen(field, Bytes)});
}

}  // namespace

InterfaceRecord to_record(const Interface& interface) noexcept {
  InterfaceRecord record = {};
  put(record.name, interface.name);
  put(record.description, interface.description);
  put(record.filter, interface.filter);
  put(record.hardware, interface.hardware);
  record.speed_bps = interface.speed_bps;
  record.index = interface.index;
  record.snaplen = interface.snaplen;
  record.link_type = interface.link_type;
  std::memcpy(record.mac_address, interface.mac_address, sizeof record.mac_address);
  record.has_mac_address = interface.has_mac_address ? 1 : 0;
  return record;
}

Interface from_record(const InterfaceRecord& record) {
  Interface interface;
  interface.name = get(record.name);
  interface.description = get(record.description);
  interface.filter = get(record.filter);
  interface.hardware = get(record.hardware);
  interface.speed_bps = record.speed_bps;
  interface.index = record.index;
  interface.snaplen = record.snaplen;
  interface.link_type = record.link_type;
  std::memcpy(interface.mac_address, record.mac_address, sizeof record.mac_address);
  interface.has_mac_address = record.has_mac_address != 0;
  return interface;
}

}  // namespace ringtail::share
