// A loan crosses between Batch and ringtail_batch: whoever hands it over has nothing afterwards.
#pragma once

#include <new>
#include <utility>

#include <ringtail/batch.hpp>
#include <ringtail/ringtail.h>

namespace ringtail::c_api {

/// Passes the loan to C. `batch` is not empty.
inline void hand_over(Batch&& batch, ringtail_batch& out) noexcept {
  union Disowned {  // its batch is not destroyed, so nothing is given back here
    explicit Disowned(Batch&& taken) noexcept : batch(std::move(taken)) {}
    ~Disowned() {}  // NOLINT(modernize-use-equals-default): a defaulted one would be deleted
    Batch batch;
  };
  const Disowned lent(std::move(batch));
  const PacketView first = lent.batch[0];
  // Written as PacketDescriptor, read as ringtail_packet: the same bytes, see layout.cpp.
  out.packets = reinterpret_cast<const ringtail_packet*>(&first.descriptor());
  out.memory = reinterpret_cast<const std::uint8_t*>(first.data() - first.descriptor().offset);
  out.loan = lent.batch.slot();
  out.count = lent.batch.size();
}

/// Takes the loan from C, which is left with an empty batch.
[[nodiscard]] inline Batch take_back(ringtail_batch& lent) noexcept {
  const ringtail_batch taken = std::exchange(lent, {});
  if (taken.loan == nullptr) return {};
  return {*static_cast<detail::BatchSlot*>(taken.loan), reinterpret_cast<const PacketDescriptor*>(taken.packets),
          taken.count, reinterpret_cast<const std::byte*>(taken.memory)};
}

}  // namespace ringtail::c_api
