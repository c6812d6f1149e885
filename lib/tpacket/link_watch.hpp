// Hears from the kernel what happens to the interfaces of a network namespace, as it happens.
#pragma once

#include <vector>

#include "base/file_descriptor.hpp"
#include "tpacket/link.hpp"

namespace ringtail::tpacket {

struct LinkChange {
  Link link;             ///< as it is now; one that is gone: as it was
  bool is_gone = false;  ///< deleted, or moved to another namespace
};

struct LinkNews {
  std::vector<LinkChange> changes;  ///< in the order in which they happened
  /// There was more to hear than the socket holds (ENOBUFS), or nothing was heard before: these are all interfaces
  /// there are, and one that is not among them is gone.
  bool is_complete = false;
};

/// Belongs to the network namespace it was opened in. Threads: one at a time.
class LinkWatch {
 public:
  [[nodiscard]] static Result<LinkWatch> open();

  /// For poll() and epoll: readable when there is news.
  [[nodiscard]] int pollable_descriptor() const noexcept { return socket_.get(); }

  /// What has happened since the last call; the first one tells of all interfaces. Does not wait.
  [[nodiscard]] LinkNews take();

 private:
  LinkWatch(base::FileDescriptor socket, LinkQuery query) : socket_(std::move(socket)), query_(std::move(query)) {}
  [[nodiscard]] bool read_one(std::vector<LinkChange>& changes);

  base::FileDescriptor socket_;
  LinkQuery query_;
  bool has_missed_some_ = true;
};

}  // namespace ringtail::tpacket
