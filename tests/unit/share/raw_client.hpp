// A client without manners: it has the memory that every client gets, and writes into it what it likes.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"
#include "base/mapping.hpp"
#include "base/sealed_memory.hpp"
#include "share/address.hpp"
#include "share/layout.hpp"
#include "share/message.hpp"

namespace ringtail::share {

struct RawClient {
  base::FileDescriptor socket;
  Geometry geometry;
  std::array<base::FileDescriptor, 3> descriptors;
  base::Mapping packets;
  base::Mapping lent;
  base::Mapping returned;

  [[nodiscard]] static Result<RawClient> attach(const std::string& path, const Request& request = {}) {
    auto socket = connect_to(path, "attach");
    if (!socket) return tl::unexpected(socket.error());
    auto greeting = greet(socket->get(), request, "attach");
    if (!greeting) return tl::unexpected(greeting.error());
    RawClient client;
    client.socket = std::move(*socket);
    client.geometry = greeting->welcome.geometry;
    client.descriptors = std::move(greeting->descriptors);
    client.packets = *base::map_sealed(client.descriptors[0].get(), client.geometry.packets_bytes(), false);
    client.lent = *base::map_sealed(client.descriptors[1].get(), client.geometry.lent_bytes(), false);
    client.returned = *base::map_sealed(client.descriptors[2].get(), client.geometry.returned_bytes(), true);
    return client;
  }

  [[nodiscard]] const LentHeader& lent_header() const { return *reinterpret_cast<const LentHeader*>(lent.data()); }
  [[nodiscard]] const Announcement& announcement(std::uint64_t position) const {
    return reinterpret_cast<const Announcement*>(lent.data() + sizeof(LentHeader))[position % geometry.slot_count];
  }
  [[nodiscard]] ReturnedHeader& answers() { return *reinterpret_cast<ReturnedHeader*>(returned.data()); }
  [[nodiscard]] Return* returns() { return reinterpret_cast<Return*>(returned.data() + sizeof(ReturnedHeader)); }
};

}  // namespace ringtail::share
