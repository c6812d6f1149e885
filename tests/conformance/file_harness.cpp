// A capture file that is still being written while it is read: a pipe with a writer behind it.

#include <array>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <fcntl.h>
#include <mutex>
#include <optional>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/contract.hpp"
#include "base/file_descriptor.hpp"
#include "conformance/source_harness.hpp"
#include "fixture/numbered_frames.hpp"
#include "pcapfile/pcapng.hpp"
#include "pcapfile/window_encoder.hpp"

namespace ringtail::conformance {

namespace {

/// Takes any amount of bytes at once and writes them to a pipe on a thread of its own.
class PatientWriter {
 public:
  explicit PatientWriter(base::FileDescriptor pipe) : pipe_(std::move(pipe)), thread_([this] { run(); }) {}
  ~PatientWriter() {
    finish();
    thread_.join();
  }
  void write(std::vector<std::byte> bytes) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(bytes));
    changed_.notify_one();
  }
  void finish() {
    const std::scoped_lock lock(mutex_);
    finished_ = true;
    if (waiting_.empty() && !writing_) pipe_.close();  // so that the reader need not wait for the thread
    changed_.notify_one();
  }

 private:
  void run() {
    for (std::unique_lock lock(mutex_);;) {
      writing_ = false;
      changed_.wait(lock, [this] { return finished_ || !waiting_.empty(); });
      if (waiting_.empty()) {
        pipe_.close();
        return;
      }
      const std::vector<std::byte> bytes = std::move(waiting_.front());
      waiting_.pop_front();
      writing_ = true;
      lock.unlock();
      for (std::size_t done = 0; done < bytes.size();) {
        const ssize_t written = ::write(pipe_.get(), bytes.data() + done, bytes.size() - done);
        if (written <= 0) return;  // the reader is gone
        done += static_cast<std::size_t>(written);
      }
      lock.lock();
    }
  }

  base::FileDescriptor pipe_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::vector<std::byte>> waiting_;
  bool finished_ = false;
  bool writing_ = false;
  std::thread thread_;
};

class FileHarness final : public SourceHarness {
 public:
  FileHarness(Source source, base::FileDescriptor pipe) : source_(std::move(source)), writer_(std::move(pipe)) {
    std::signal(SIGPIPE, SIG_IGN);
  }
  ~FileHarness() override { source_.reset(); }  // first the reader: the writer may be waiting for it

  Source& source() override { return *source_; }
  // All in one write: a reader that looks in between would see fewer.
  void send(std::uint64_t count, std::size_t frame_bytes) override {
    std::vector<std::byte> records;
    for (std::uint64_t sent = 0; sent < count; ++sent) {
      const auto bytes = fixture::make_numbered_frame(next_++, frame_bytes);
      PacketDescriptor packet = {};
      packet.timestamp_ns = 1'000'000'000 + next_;
      packet.captured_length = packet.wire_length = static_cast<std::uint32_t>(bytes.size());
      const std::size_t begin = records.size();
      records.resize(begin + encoder_->record_bytes(packet.captured_length));
      const auto window = std::span(records).subspan(begin);
      records.resize(begin + encoder_->encode({&packet, 1}, bytes.data(), interfaces_, window).bytes);
    }
    writer_.write(std::move(records));
  }
  void finish_sending() override { writer_.finish(); }
  // Frames come before that, but a stop() leaves what the pipe still holds.
  bool needs_finish() const override { return true; }

 private:
  static constexpr std::array<std::uint32_t, 1> interfaces_ = {0};
  std::optional<Source> source_;
  std::unique_ptr<pcapfile::WindowEncoder> encoder_ = pcapfile::make_window_encoder(FileFormat::pcapng);
  std::uint64_t next_ = 0;
  PatientWriter writer_;
};

std::unique_ptr<SourceHarness> make(const OpenOptions& options, std::string& reason) {
  int ends[2] = {-1, -1};
  base::require(::pipe2(ends, O_CLOEXEC) == 0, "a pipe can be made");
  const base::FileDescriptor reader(ends[0]);
  base::FileDescriptor writer(ends[1]);
  pcapfile::pcapng::Bytes header;
  pcapfile::pcapng::append_section_header(header, {});
  pcapfile::pcapng::append_interface_description(header, {.name = "pipe", .link_type = link_type::ethernet}, 0, {});
  base::require(::write(writer.get(), header.data(), header.size()) == static_cast<ssize_t>(header.size()),
                "a pipe takes a header");
  auto source = open("file:/dev/fd/" + std::to_string(reader.get()), options);
  if (!source) {
    reason = source.error().message();
    return nullptr;
  }
  return std::make_unique<FileHarness>(std::move(*source), std::move(writer));
}

}  // namespace

HarnessFactory file_harness() {
  return {"file", make};
}

}  // namespace ringtail::conformance
