#include "pcapfile/file_backend.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/deadline.hpp"
#include "base/wake_event.hpp"
#include "pcapfile/file_input.hpp"
#include "pcapfile/packet_selector.hpp"
#include "pcapfile/parser.hpp"
#include "pcapfile/read_buffers.hpp"
#include "ring/backend.hpp"
#include "ring/batch_pool.hpp"

namespace ringtail::pcapfile {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t smallest_buffer_bytes = std::size_t{1} << 20;  // a frame of 262,144 bytes fits, and BIG TCP's
constexpr std::size_t largest_buffer_bytes = std::size_t{64} << 20;
constexpr std::size_t fewest_buffers = 2;
constexpr std::size_t most_buffers = 64;
constexpr std::uint32_t most_batches = 128;
constexpr std::size_t read_bytes = std::size_t{256} << 10;  // per call: what was read is still in a cache when parsed
constexpr std::size_t smallest_read_bytes = std::size_t{16} << 10;
// While everything is lent there is no event to wait for: releases happen without a system call. Looked for this often.
constexpr std::chrono::nanoseconds credit_look_interval = 200us;
constexpr std::chrono::nanoseconds longest_wait = 24h;

class FileBackend final : public detail::Backend {
 public:
  FileBackend(FileInput input, base::WakeEvent wake, ReadBuffers buffers, const OpenOptions& options);

  /// The rest of opening: what needs the back end's own address, or reads. Once, before anything else.
  [[nodiscard]] Result<void> prepare(std::uint32_t batch_packets);

  ReceiveStatus receive(std::chrono::nanoseconds timeout, Batch& batch) override;
  void stop() noexcept override;
  void interrupt() noexcept override;
  void shut_down() noexcept override { input_.close(); }
  Stats stats() override;
  const ring::InterfaceTable& interfaces() const noexcept override { return interfaces_; }
  const Error* failure() const noexcept override;
  int pollable_descriptor() const noexcept override { return -1; }
  std::string_view name() const noexcept override { return name_; }
  std::string_view kind() const noexcept override { return "file"; }
  void release(detail::BatchSlot& slot) noexcept override;

 private:
  // How far one look at the file got.
  enum class Look : std::uint8_t {
    packets,    // the open batch is to be lent
    more,       // a step forward that gave nothing to lend: look again
    no_input,   // what comes next has not been written yet (a pipe)
    no_credit,  // all memory is lent
    ended,
  };
  // The batch that is being filled. Its packets all stand in the open buffer.
  struct OpenBatch {
    detail::BatchSlot* slot = nullptr;
    std::uint32_t packets = 0;
    std::uint64_t captured_bytes = 0;
  };

  [[nodiscard]] Look look();
  [[nodiscard]] Look parse();
  [[nodiscard]] Look read_more();
  [[nodiscard]] bool make_room() noexcept;
  [[nodiscard]] Batch lend_open_batch() noexcept;
  void note_interface();
  void note_end_of_file();
  void end(Error failure);
  [[nodiscard]] Error error_here(const std::string& problem) const;
  void wait(Look reason, std::chrono::nanoseconds timeout) const noexcept;

  std::string name_;
  FileInput input_;
  base::WakeEvent wake_;  // interrupt() and stop()
  ReadBuffers buffers_;
  std::optional<ring::BatchPool> batches_;  // there from prepare() on
  ring::InterfaceTable interfaces_;

  // The receiving thread's.
  Parser parser_;
  PacketSelector selector_;
  std::string filter_;
  std::uint32_t snaplen_;
  std::optional<std::uint16_t> link_type_;
  std::vector<std::uint16_t> interface_ids_;  // by position in a section: what stood there last
  OpenBatch open_;
  std::optional<std::uint32_t> buffer_;  // the open one: file bytes up to filled_, parsed up to begin_
  std::size_t begin_ = 0;
  std::size_t filled_ = 0;
  std::size_t needed_bytes_ = 1;  // from begin_ on, for parsing to go on
  bool has_ended_ = false;

  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<std::uint64_t> received_{0};
  std::atomic<std::uint64_t> malformed_{0};
  std::atomic<bool> has_failed_{false};
  Error failure_;  // written once, before has_failed_ is set
};

FileBackend::FileBackend(FileInput input, base::WakeEvent wake, ReadBuffers buffers, const OpenOptions& options)
    : name_("file:" + input.path()),
      input_(std::move(input)),
      wake_(std::move(wake)),
      buffers_(std::move(buffers)),
      parser_(buffers_.buffer_bytes()),
      selector_(options),
      filter_(options.filter),
      snaplen_(options.snaplen),
      link_type_(options.link_type) {}

// Reads as far as the first packet, or as a pipe's writer has written, but not without an interface. What goes wrong
// until then is an error of opening.
Result<void> FileBackend::prepare(std::uint32_t batch_packets) {
  auto batches = ring::BatchPool::create(*this, most_batches, batch_packets);
  if (!batches) return tl::unexpected(std::move(batches.error()));
  batches_.emplace(std::move(*batches));
  for (Look seen = look(); seen != Look::packets && seen != Look::ended; seen = look()) {
    if (seen != Look::no_input) continue;
    if (interfaces_.size() != 0) break;
    // Nobody can interrupt() yet, so only a signal ends this early.
    if (!input_.wait(wake_.descriptor(), longest_wait))
      return tl::unexpected(system_error("read " + input_.path(), EINTR));
  }
  if (has_failed_) return tl::unexpected(failure_);
  return {};
}

ReceiveStatus FileBackend::receive(std::chrono::nanoseconds timeout, Batch& batch) {
  const base::Deadline deadline = base::Deadline::after(timeout);
  for (;;) {
    if (interrupted_.load(std::memory_order_relaxed) && interrupted_.exchange(false)) return ReceiveStatus::interrupted;
    if (stop_requested_.load(std::memory_order_relaxed)) return ReceiveStatus::end_of_stream;
    if (open_.slot == nullptr) open_.slot = batches_->take();
    const Look seen = open_.slot == nullptr ? Look::no_credit : look();
    switch (seen) {
      case Look::packets:
        batch = lend_open_batch();
        return ReceiveStatus::packets;
      case Look::ended:
        return ReceiveStatus::end_of_stream;
      case Look::more:
        continue;
      case Look::no_input:
      case Look::no_credit:
        if (deadline.has_passed()) return seen == Look::no_input ? ReceiveStatus::timeout : ReceiveStatus::no_credit;
        wait(seen, deadline.remaining(longest_wait));
    }
  }
}

FileBackend::Look FileBackend::look() {
  const bool has_something = open_.packets != 0;
  if (has_ended_) return has_something ? Look::packets : Look::ended;
  if (filled_ - begin_ >= needed_bytes_) return parse();
  // What was found is not kept waiting for what has yet to be read, which may go into another buffer.
  return has_something ? Look::packets : read_more();
}

FileBackend::Look FileBackend::parse() {
  const std::span<const std::byte> memory = buffers_[*buffer_];
  std::span<PacketDescriptor> room;  // none while opening: that goes only as far as the first packet
  if (open_.slot != nullptr) {
    room = std::span(open_.slot->descriptors, batches_->batch_packets()).subspan(open_.packets);
  }
  const Progress progress = parser_.parse(memory.first(filled_), begin_, room);
  begin_ += progress.consumed_bytes;
  malformed_.store(parser_.malformed(), std::memory_order_relaxed);
  const auto kept = selector_.keep_wanted(room.first(progress.packets), memory.data());
  open_.packets += kept.packets;
  open_.captured_bytes += kept.captured_bytes;
  needed_bytes_ = progress.pause == Pause::more_bytes ? progress.needed_bytes : 1;

  switch (progress.pause) {
    case Pause::output_full:
      return kept.packets == room.size() ? Look::packets : Look::more;
    case Pause::interface:
      note_interface();
      break;
    case Pause::damage:
      end(error_here(progress.problem));
      break;
    case Pause::more_bytes:
      break;
  }
  return Look::more;
}

FileBackend::Look FileBackend::read_more() {
  if (!make_room()) return Look::no_credit;
  if (!input_.wait(wake_.descriptor(), 0ns)) return Look::no_input;
  const std::span<std::byte> free = buffers_[*buffer_].subspan(filled_);
  const auto got = input_.read(free.first(std::min(free.size(), read_bytes)));
  if (!got) {
    end(got.error());
  } else if (*got == 0) {
    note_end_of_file();
  } else {
    filled_ += *got;
  }
  return Look::more;
}

// In the open buffer, or in the next one, to which the beginning of a record goes along. False: none is free.
bool FileBackend::make_room() noexcept {
  const std::size_t size = buffers_.buffer_bytes();
  if (buffer_ && begin_ + needed_bytes_ <= size && (begin_ == 0 || size - filled_ >= smallest_read_bytes)) return true;
  const std::optional<std::uint32_t> next = buffers_.take();
  if (!next) return false;
  if (buffer_) {
    std::memcpy(buffers_[*next].data(), buffers_[*buffer_].data() + begin_, filled_ - begin_);
    buffers_.done(*buffer_);
  }
  buffer_ = next;
  filled_ -= begin_;
  begin_ = 0;
  return true;
}

Batch FileBackend::lend_open_batch() noexcept {
  const OpenBatch ready = std::exchange(open_, {});
  detail::BatchSlot& slot = *ready.slot;
  slot.memory_base = buffers_[*buffer_].data();
  slot.count = ready.packets;
  slot.block_index = *buffer_;
  buffers_.lend(*buffer_);
  received_.fetch_add(ready.packets, std::memory_order_relaxed);
  return lend(slot, ready.captured_bytes);
}

void FileBackend::release(detail::BatchSlot& slot) noexcept {
  const std::uint32_t buffer = slot.block_index;  // before the slot is somebody else's
  batches_->give_back(slot);
  buffers_.done(buffer);
}

// Sections of a file that was rotated or merged often describe the same interfaces again: those keep their ids.
void FileBackend::note_interface() {
  Interface found = parser_.interface();
  if (!filter_.empty()) found.filter = filter_;
  found.snaplen = found.snaplen == 0 ? snaplen_ : std::min(found.snaplen, snaplen_);
  if (link_type_ && found.link_type != *link_type_) {
    return end(error_here("an interface of link type " + std::to_string(found.link_type)));
  }

  const std::uint32_t position = parser_.interface_index();
  if (position == interface_ids_.size()) interface_ids_.push_back(ring::InterfaceTable::capacity);
  std::uint16_t& id = interface_ids_[position];
  if (id == ring::InterfaceTable::capacity || interfaces_[id] != found) {
    if (interfaces_.size() == ring::InterfaceTable::capacity) return end(error_here("too many different interfaces"));
    if (auto added = selector_.add_interface(found.link_type); !added) return end(std::move(added.error()));
    id = interfaces_.add(std::move(found));
  }
  parser_.accept_interface(id);
}

void FileBackend::note_end_of_file() {
  has_ended_ = true;
  if (parser_.position() == 0 && filled_ == 0) return end(make_error("read " + input_.path(), "it is empty"));
  if (filled_ != begin_ || !parser_.is_between_records()) end(error_here("it ends in the middle of a record"));
}

Error FileBackend::error_here(const std::string& problem) const {
  return make_error("read " + input_.path(), problem + ", at byte " + std::to_string(parser_.position()));
}

void FileBackend::end(Error failure) {
  has_ended_ = true;
  failure_ = std::move(failure);
  has_failed_.store(true, std::memory_order_release);  // pairs with failure()
}

const Error* FileBackend::failure() const noexcept {
  return has_failed_.load(std::memory_order_acquire) ? &failure_ : nullptr;  // pairs with end()
}

Stats FileBackend::stats() {
  Stats stats;
  add_delivery(stats);
  // What is cut off a batch stays received; what is only being delivered may not have been counted yet.
  stats.received = std::max(received_.load(std::memory_order_relaxed), stats.delivered);
  stats.unread = stats.received - stats.delivered;
  stats.malformed = malformed_.load(std::memory_order_relaxed);
  return stats;
}

void FileBackend::stop() noexcept {
  stop_requested_.store(true, std::memory_order_relaxed);
  wake_.signal();
}

void FileBackend::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
  wake_.signal();
}

void FileBackend::wait(Look reason, std::chrono::nanoseconds timeout) const noexcept {
  if (reason == Look::no_input) {
    (void)input_.wait(wake_.descriptor(), timeout);
  } else {
    pollfd descriptor = {.fd = wake_.descriptor(), .events = POLLIN, .revents = 0};
    const timespec limit = {.tv_sec = 0, .tv_nsec = static_cast<long>(std::min(timeout, credit_look_interval).count())};
    (void)::ppoll(&descriptor, 1, &limit, nullptr);
  }
  wake_.drain();
}

Result<void> check_options(const std::string& operation, const OpenOptions& options) {
  if (options.fanout) return tl::unexpected(usage_error(operation, "a file has no fanout groups"));
  if (options.batch_packets < 1 || options.batch_packets > 65536) {
    return tl::unexpected(usage_error(operation, "batches hold 1 to 65536 packets"));
  }
  if (options.snaplen < 1) return tl::unexpected(usage_error(operation, "the snaplen is at least 1"));
  return {};
}

}  // namespace

Result<detail::BackendPointer> open_file(std::string_view path, const OpenOptions& options) {
  const std::string operation = "open file:" + std::string(path);
  if (auto checked = check_options(operation, options); !checked) return tl::unexpected(std::move(checked.error()));
  auto input = FileInput::open(std::string(path));
  if (!input) return tl::unexpected(std::move(input.error()));
  base::WakeEvent wake = base::WakeEvent::create();
  if (!wake.is_open()) return tl::unexpected(system_error(operation, errno, "eventfd"));
  const std::size_t buffer_bytes = std::clamp(options.block_bytes, smallest_buffer_bytes, largest_buffer_bytes);
  const std::size_t buffer_count = std::clamp(options.buffer_bytes / buffer_bytes, fewest_buffers, most_buffers);
  auto buffers = ReadBuffers::create(static_cast<std::uint32_t>(buffer_count), buffer_bytes);
  if (!buffers) return tl::unexpected(std::move(buffers.error()));

  auto* backend = new FileBackend(std::move(*input), std::move(wake), std::move(*buffers), options);
  detail::BackendPointer owner(backend);
  if (auto prepared = backend->prepare(options.batch_packets); !prepared) {
    return tl::unexpected(std::move(prepared.error()));
  }
  return owner;
}

}  // namespace ringtail::pcapfile
