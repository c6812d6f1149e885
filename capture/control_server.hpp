// The control sockets of all captures, and everybody who talks through them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <poll.h>
#include <string>
#include <vector>

#include "base/file_descriptor.hpp"
#include "base/wake_event.hpp"
#include "control/line_buffer.hpp"
#include "control/message.hpp"
#include "control/peer.hpp"
#include "control/server_socket.hpp"

namespace ringtail::daemon {

/// What somebody wants. answer() it once, soon or later; whoever has gone meanwhile is not missed.
struct Question {
  std::uint64_t client = 0;
  std::string capture;
  control::Peer peer;
  control::Request request;
  std::shared_ptr<base::FileDescriptor> file{};  ///< what came with it; null: nothing
};

/// Somebody who wants packets instead of an answer (share/message.hpp), and whose connection is no more of ours.
struct Attachment {
  std::string capture;
  control::Peer peer;
  base::FileDescriptor socket;
};

/// Nothing that comes in costs more than a bounded amount: a client has one question at a time, lines have a longest
/// length, a user has a number of connections, and each question a time. Nonsense is answered once and hung up on.
/// Without descriptors left, who comes waits until there are some. Threads: one; answer() may be called from any.
class ControlServer {
 public:
  using Handler = std::function<void(const Question&)>;
  using AttachHandler = std::function<void(Attachment)>;

  using Clock = std::chrono::steady_clock;

  /// Who asks nothing, not all of it, or reads no answer, is hung up on after `patience`.
  ControlServer(Handler handler, AttachHandler attach_handler, Clock::duration patience = std::chrono::seconds(10));
  ~ControlServer();

  /// Listens for a capture; its name is refused when it is live elsewhere.
  [[nodiscard]] Result<void> listen(const std::string& run_directory, const std::string& capture);
  void close(const std::string& capture);

  void answer(std::uint64_t client, const control::Answer& answer);

  /// For poll(2): what to wait for, and then what has come; to be called when nothing has, too.
  void add_to(std::vector<pollfd>& descriptors) const;
  void serve(const std::vector<pollfd>& descriptors);

 private:
  struct Client;
  struct Late {
    std::uint64_t client;
    std::string line;
  };

  void accept_from(const std::string& capture, control::ServerSocket& socket);
  void close_doors();
  [[nodiscard]] bool hand_over(Client& client);
  [[nodiscard]] bool read_from(std::uint64_t id, Client& client);
  [[nodiscard]] bool ask_next(std::uint64_t id, Client& client);
  [[nodiscard]] static bool write_to(Client& client);
  void deliver_answers();

  Handler handler_;
  AttachHandler attach_handler_;
  const Clock::duration patience_;
  base::WakeEvent bell_;  ///< an answer has come from another thread
  std::map<std::string, control::ServerSocket> sockets_;
  Clock::time_point doors_open_at_{};  ///< nobody is let in before
  Clock::time_point complain_at_{};    ///< not before
  std::map<std::uint64_t, std::unique_ptr<Client>> clients_;
  std::uint64_t last_client_ = 0;
  std::mutex mutex_;
  std::vector<Late> answers_;
};

}  // namespace ringtail::daemon
