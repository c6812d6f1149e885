#include "ring/interface_table.hpp"

#include <utility>

namespace ringtail::ring {

std::uint16_t InterfaceTable::add(Interface interface) {
  const std::uint16_t id = size_.load(std::memory_order_relaxed);
  if (id == capacity) return capacity - 1;
  entries_[id] = std::make_unique<const Interface>(std::move(interface));
  size_.store(static_cast<std::uint16_t>(id + 1), std::memory_order_release);  // pairs with size()
  return id;
}

}  // namespace ringtail::ring
