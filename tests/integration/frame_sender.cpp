// Sends numbered frames through AF_PACKET, knows exactly how many the interface took, and says so in JSON.
//
//   frame_sender -i tx0 --count 1000000 --size 64
//   frame_sender -i tx0 --count 100000 --mix --flows 64 --threads 2 --rate 50000
#include <CLI/CLI.hpp>
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <memory>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "fixture/numbered_frames.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using Frame = std::vector<std::byte>;

constexpr std::size_t frames_per_call = 32;
constexpr std::size_t udp_headers_bytes = 14 + 20 + 8;

struct Settings {
  std::string interface;
  std::uint64_t first = 0;
  std::uint64_t count = 1000;
  std::size_t size = 64;
  std::size_t largest_size = 0;  ///< 0: all have `size`; else sizes vary from `size` to this
  bool mix = false;              ///< the "simple IMIX": 7 small, 4 middle, 1 full
  std::vector<std::string> tags{};
  std::uint32_t flows = 0;  ///< 0: bare numbered frames; else inside IPv4/UDP of so many flows
  unsigned threads = 1;
  double rate_per_second = 0;  ///< 0: as fast as it goes
  double longest_seconds = 60;
  int buffer_bytes = 0;  ///< 0: the kernel's default, too little to fill the receiver's backlog
};

struct Outcome {
  std::uint64_t accepted = 0;  ///< frames the interface took
  std::uint64_t refused = 0;   ///< attempts that it turned down (ENOBUFS) and that were made again
  std::uint64_t bytes = 0;     ///< of the accepted ones
  std::string error;
};

void put16(Frame& frame, std::size_t at, unsigned value) {
  frame[at] = static_cast<std::byte>(value >> 8);
  frame[at + 1] = static_cast<std::byte>(value & 0xff);
}

/// Ethernet, IPv4 and UDP in front of `payload`; addresses and ports say which flow it is. RFC 791, RFC 768.
Frame wrap_in_udp(const Frame& payload, std::uint32_t flow) {
  Frame frame(udp_headers_bytes);
  constexpr std::array<unsigned char, 14> ethernet = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
  std::memcpy(frame.data(), ethernet.data(), ethernet.size());
  frame[14] = std::byte{0x45};
  put16(frame, 16, static_cast<unsigned>(20 + 8 + payload.size()));
  frame[22] = std::byte{64};
  frame[23] = std::byte{17};
  put16(frame, 26, 0x0a00);
  put16(frame, 28, flow & 0xffff);
  put16(frame, 30, 0x0a01);
  put16(frame, 32, 1);
  unsigned sum = 0;
  for (std::size_t at = 14; at < 34; at += 2) {
    sum += (static_cast<unsigned>(frame[at]) << 8) | static_cast<unsigned>(frame[at + 1]);
  }
  put16(frame, 24, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
  put16(frame, 34, 1024 + flow % 50000);
  put16(frame, 36, 9);
  put16(frame, 38, static_cast<unsigned>(8 + payload.size()));
  frame.insert(frame.end(), payload.begin(), payload.end());
  return frame;
}

/// "8100:64" is TPID 0x8100, TCI 0x0064.
Frame tag_from(const std::string& text) {
  unsigned protocol = 0;
  unsigned control = 0;
  if (std::sscanf(text.c_str(), "%x:%x", &protocol, &control) != 2) throw CLI::ValidationError("--tag", text);
  Frame tag(4);
  put16(tag, 0, protocol);
  put16(tag, 2, control);
  return tag;
}

/// Makes frame number n: the same bytes every time. Sizes count the tags and headers.
class FrameMaker {
 public:
  explicit FrameMaker(const Settings& settings) : settings_(settings) {
    for (const std::string& text : settings.tags) {
      const Frame tag = tag_from(text);
      tags_.insert(tags_.end(), tag.begin(), tag.end());
    }
  }

  [[nodiscard]] Frame make(std::uint64_t number) const {
    const std::size_t around = tags_.size() + (settings_.flows != 0 ? udp_headers_bytes : 0);
    const std::size_t least = fixture_bytes + around;
    Frame frame = ringtail::fixture::make_numbered_frame(number, std::max(size_of(number), least) - around);
    if (settings_.flows != 0) frame = wrap_in_udp(frame, static_cast<std::uint32_t>(scatter(number) % settings_.flows));
    frame.insert(frame.begin() + 12, tags_.begin(), tags_.end());
    return frame;
  }

 private:
  static constexpr std::size_t fixture_bytes = ringtail::fixture::smallest_numbered_frame;

  static std::uint64_t scatter(std::uint64_t number) { return (number * 0x9e3779b97f4a7c15ULL) >> 32; }

  [[nodiscard]] std::size_t size_of(std::uint64_t number) const {
    if (settings_.mix) {
      const std::uint64_t part = scatter(number) % 12;
      return part < 7 ? 64 : part < 11 ? 594 : 1514;
    }
    if (settings_.largest_size <= settings_.size) return settings_.size;
    return settings_.size + scatter(number) % (settings_.largest_size - settings_.size + 1);
  }

  const Settings& settings_;
  Frame tags_;
};

/// Sends the numbers first + part, first + part + parts, ...
class Sender {
 public:
  Sender(const Settings& settings, unsigned part) : settings_(settings), maker_(settings), next_(part) {}
  ~Sender() {
    if (socket_ >= 0) ::close(socket_);
  }
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  [[nodiscard]] bool open() {
    socket_ = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(if_nametoindex(settings_.interface.c_str()));
    if (settings_.buffer_bytes != 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &settings_.buffer_bytes, sizeof settings_.buffer_bytes);
    }
    const int bypass = 1;  // no queue in which frames could be dropped unseen: ENOBUFS tells
    if (socket_ >= 0 && ::setsockopt(socket_, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof bypass) == 0 &&
        address.sll_ifindex != 0 && ::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      return true;
    }
    outcome_.error = "open " + settings_.interface + ": " + std::strerror(errno);
    return false;
  }

  void run() {
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration<double>(settings_.longest_seconds);
    while (next_ < settings_.count && outcome_.error.empty()) {
      if (Clock::now() > end) {
        outcome_.error = "time is up";
        return;
      }
      send_all(make_frames(frames_due(start)));
    }
  }

  [[nodiscard]] const Outcome& outcome() const { return outcome_; }

 private:
  /// Sleeps until at least one frame may go; how many may.
  std::size_t frames_due(Clock::time_point start) {
    if (settings_.rate_per_second <= 0) return frames_per_call;
    const double own_rate = settings_.rate_per_second / settings_.threads;
    const auto sent = static_cast<double>(outcome_.accepted);
    std::this_thread::sleep_until(
        start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(sent / own_rate)));
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return std::clamp(static_cast<std::size_t>(std::max(seconds * own_rate - sent, 1.0)), std::size_t{1},
                      frames_per_call);
  }

  std::vector<Frame> make_frames(std::size_t most) {
    std::vector<Frame> frames;
    for (; frames.size() < most && next_ < settings_.count; next_ += settings_.threads) {
      frames.push_back(maker_.make(settings_.first + next_));
    }
    return frames;
  }

  /// In order, each exactly once, however often the interface turns one down.
  void send_all(std::vector<Frame> frames) {
    std::array<iovec, frames_per_call> parts{};
    std::array<mmsghdr, frames_per_call> messages{};
    for (std::size_t index = 0; index < frames.size(); ++index) {
      parts[index] = {.iov_base = frames[index].data(), .iov_len = frames[index].size()};
      messages[index].msg_hdr.msg_iov = &parts[index];
      messages[index].msg_hdr.msg_iovlen = 1;
    }
    for (std::size_t sent = 0; sent < frames.size();) {
      const int got = ::sendmmsg(socket_, &messages[sent], static_cast<unsigned>(frames.size() - sent), 0);
      const int error = got < 0 ? errno : 0;
      for (int index = 0; index < got; ++index) outcome_.bytes += frames[sent + static_cast<std::size_t>(index)].size();
      if (got > 0) sent += static_cast<std::size_t>(got);
      if (got > 0) outcome_.accepted += static_cast<std::uint64_t>(got);
      if (error != 0 && error != ENOBUFS) {
        outcome_.error = "send on " + settings_.interface + ": " + std::strerror(error);
        return;
      }
      // After a short count, too, the frame behind it was turned down: sendmmsg keeps that error to itself.
      if (sent < frames.size()) {
        ++outcome_.refused;
        std::this_thread::yield();
      }
    }
  }

  const Settings& settings_;
  FrameMaker maker_;
  std::uint64_t next_;
  int socket_ = -1;
  Outcome outcome_;
};

int report(const Outcome& total, double seconds) {
  const nlohmann::ordered_json json = {{"accepted", total.accepted},
                                       {"refused", total.refused},
                                       {"bytes", total.bytes},
                                       {"seconds", seconds},
                                       {"error", total.error}};
  std::printf("%s\n", json.dump().c_str());
  return total.error.empty() ? 0 : 1;
}

int send_in_threads(const Settings& settings) {
  const auto start = Clock::now();
  std::vector<std::unique_ptr<Sender>> senders;
  std::vector<std::thread> threads;
  for (unsigned part = 0; part < settings.threads; ++part) {
    senders.push_back(std::make_unique<Sender>(settings, part));
    if (!senders.back()->open()) return report(senders.back()->outcome(), 0);
  }
  for (const auto& sender : senders) threads.emplace_back([&sender] { sender->run(); });
  Outcome total;
  for (std::size_t part = 0; part < senders.size(); ++part) {
    threads[part].join();
    const Outcome& outcome = senders[part]->outcome();
    total.accepted += outcome.accepted;
    total.refused += outcome.refused;
    total.bytes += outcome.bytes;
    if (!outcome.error.empty()) total.error = outcome.error;
  }
  return report(total, std::chrono::duration<double>(Clock::now() - start).count());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Sends numbered frames.");
  Settings settings;
  app.add_option("-i", settings.interface)->required();
  app.add_option("--first", settings.first, "the first number");
  app.add_option("--count", settings.count, "frames to send");
  app.add_option("--size", settings.size, "bytes per frame, tags and headers included");
  app.add_option("--largest-size", settings.largest_size, "sizes vary from --size to this");
  app.add_flag("--mix", settings.mix, "sizes as on the internet: 64, 594 and 1514 bytes, 7:4:1");
  app.add_option("--tag", settings.tags, "TPID:TCI in hex, repeatable, the outermost first");
  app.add_option("--flows", settings.flows, "wrap in IPv4/UDP of so many flows");
  app.add_option("--threads", settings.threads)->check(CLI::Range(1, 16));
  app.add_option("--rate", settings.rate_per_second, "frames per second; 0: as fast as it goes");
  app.add_option("--seconds", settings.longest_seconds, "give up after this long");
  app.add_option("--buffer", settings.buffer_bytes, "bytes under way at once");
  CLI11_PARSE(app, argc, argv);
  return send_in_threads(settings);
}
