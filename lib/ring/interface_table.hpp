// The interfaces of a source: only ever appended to, by one thread, read by all.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <ringtail/interface.hpp>

namespace ringtail::ring {

/// Entries never move or change, so a reference stays good as long as the table.
class InterfaceTable {
 public:
  static constexpr std::uint16_t capacity = 1024;

  InterfaceTable() : entries_(std::make_unique<std::unique_ptr<const Interface>[]>(capacity)) {}

  /// The new entry's id. When the table is full the last id is returned again and nothing is added.
  std::uint16_t add(Interface interface);

  [[nodiscard]] std::uint16_t size() const noexcept {
    return size_.load(std::memory_order_acquire);  // pairs with the release in add(): the entry is complete
  }
  /// `interface_id` < size().
  [[nodiscard]] const Interface& operator[](std::uint16_t interface_id) const noexcept {
    return *entries_[interface_id];
  }

 private:
  std::unique_ptr<std::unique_ptr<const Interface>[]> entries_;
  std::atomic<std::uint16_t> size_{0};
};

}  // namespace ringtail::ring
