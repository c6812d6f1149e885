// Writes what sources deliver into pcapng or pcap files.
//
//   auto recorder = ringtail::Recorder::create({.path = "out.pcapng"});
//   const auto id = recorder->add_source(source);
//   ... auto [status, batch] = source.receive(100ms);
//       recorder->write(id, std::move(batch));          // the memory goes back when its bytes are in the file
//       recorder->tick();                               // time-driven rotation and flushing, also on an idle link
//   recorder->finish();
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ringtail/batch.hpp>
#include <ringtail/error.hpp>
#include <ringtail/recorder_figures.hpp>
#include <ringtail/source.hpp>

namespace ringtail {

namespace store {
class StorageDirectory;  // lib/store/storage_directory.hpp
}

enum class FileFormat : std::uint8_t {
  pcapng,    ///< nanoseconds, interfaces, statistics: the default
  pcap,      ///< classic, microseconds
  nsecpcap,  ///< classic, nanoseconds
};

/// How bytes reach the file. Where a way cannot be had (RecorderStats::writer tells) it is the plain one, write(2).
/// `mmap` installs a SIGBUS handler, for a mapped file can be cut from under us; it passes on what is not its own.
enum class Writer : std::uint8_t { automatic, direct, splice, write, mmap };

/// What becomes of packets on their way into the file, where there is a choice. A ring block is dilated (nothing moves,
/// pcapng only) or compacted. Packets in mbufs can be passed by Writer::splice from where they lie (dilate) or are
/// copied together.
enum class Layout : std::uint8_t { automatic, dilate, compact };

/// When to go on to the next file; nothing set: one file. Any limit that is reached first switches.
/// Names are dumpcap's: out.pcapng becomes out_00001_20261122065600.pcapng, the number growing, the time local.
struct Rotation {
  std::optional<std::chrono::nanoseconds> duration{};  ///< this long per file, also on an idle link
  std::optional<std::chrono::seconds> interval{};      ///< at each multiple of this since 1970: 3600 is on the hour
  std::optional<std::uint64_t> file_bytes{};           ///< at least this many bytes; passed by one record at most
  std::optional<std::uint64_t> file_packets{};         ///< exactly this many packets
  std::optional<std::uint64_t> keep_files{};           ///< this many files at most: the oldest is deleted
  std::optional<std::uint64_t> keep_bytes{};  ///< this many bytes in all finished files: the oldest are deleted
  std::optional<double> keep_free_percent{};  ///< of the file system; the oldest files make room
  std::string print_names_to{};               ///< each finished file's name on a line: a path, "-" or "stderr"

  [[nodiscard]] bool operator==(const Rotation&) const = default;

  /// True when output goes to numbered files.
  [[nodiscard]] bool is_on() const {
    return duration || interval || file_bytes || file_packets || keep_files || keep_bytes || keep_free_percent;
  }
};

struct RecorderOptions {
  std::string path{};  ///< "-": standard output
  /// Instead of a path: gives the files their names, takes the finished ones over, looks after the quota. Several
  /// recorders may share one.
  std::shared_ptr<store::StorageDirectory> storage{};
  FileFormat format = FileFormat::pcapng;
  Writer writer = Writer::automatic;
  Layout layout = Layout::automatic;
  Rotation rotation{};
  std::optional<std::uint64_t> stop_after_file_bytes{};  ///< complete when a file has this many bytes; no rotation
  std::optional<std::uint64_t> stop_after_files{};       ///< complete when this many files are full; needs rotation
  bool group_readable = false;                           ///< mode 0640 instead of 0600 (before umask)
  std::chrono::milliseconds flush_interval{500};         ///< a packet is in the file at most this long after write()
  std::optional<std::chrono::seconds> sync_interval{};   ///< files and names to the disk; none: as the kernel likes
  std::chrono::seconds statistics_interval{5};           ///< pcapng: an Interface Statistics Block this often
  std::string application = "ringtail";                  ///< shb_userappl
  std::string comment{};                                 ///< opt_comment of the section header; may be empty

  [[nodiscard]] bool operator==(const RecorderOptions&) const = default;
};

/// `+=` and `-=` are about the figures; `files` and `writer` stay as they are.
struct RecorderStats : RecorderFigures {
  std::vector<std::string> files;  ///< the last 100, oldest first, the open one included
  std::string writer;              ///< the one in use: "direct", "splice", "write", "mmap"
};

/// One stream of capture files. Threads: one at a time. In a ring of files, and where files are synced, a thread of the
/// recorder's own finishes, syncs and deletes files; what goes wrong there is a failure() like any other. It begins
/// with the first tick() and ends with finish().
class Recorder {
 public:
  /// Opens the first file and writes its header, so that it exists and is valid from here on. An existing regular file
  /// with one link is replaced by a new inode; a symlink or a hard link there is refused; FIFOs and character devices
  /// are opened. Classic pcap needs its link type at once: give the sources here or call add_source() before write().
  /// The sources given here have the ids 0, 1, ... in their order.
  [[nodiscard]] static Result<Recorder> create(RecorderOptions options, const std::vector<const Source*>& sources = {});

  Recorder(Recorder&&) noexcept;
  Recorder& operator=(Recorder&&) noexcept;
  ~Recorder();  ///< finishes, if finish() was not called

  /// `source` must outlive the recorder. Its interfaces get Interface Description Blocks as they appear. In classic
  /// pcap all interfaces must have one link type: else a usage error. Returns the id that write() wants.
  [[nodiscard]] Result<std::uint16_t> add_source(const Source& source);

  /// Takes the batch over. Its memory goes back to the source when the bytes no longer need it, which may be after
  /// this returns. Packets that cannot be written are counted as dropped_writer; failure() then says why.
  void write(std::uint16_t source_id, Batch&& batch);

  /// Copies `count` of the batch's packets, from `first` on, into the file; the batch stays the caller's. For those who
  /// write packets in another order than the one in which they came.
  void copy(std::uint16_t source_id, const Batch& batch, std::uint32_t first, std::uint32_t count);

  /// Puts a comment about one of the source's interfaces between the packets: that it was down, for instance. UTF-8;
  /// a long text is cut. Classic pcap has no place for it.
  void note(std::uint16_t source_id, std::uint16_t interface_id, std::string_view text);

  /// True once the end that the options set (stop_after_...) is reached. The batch that reached it was cut there with
  /// Batch::keep_first(), so that the rest counts as unread; later batches are given back whole in the same way.
  [[nodiscard]] bool is_complete() const noexcept;

  /// Does what is due by the clock: flush, rotation, statistics blocks, sync. Call it at least every flush_interval,
  /// also when nothing arrives; it is cheap when nothing is due.
  void tick();

  /// Starts the next file now (rotation must be on, or storage set).
  void rotate();

  /// Writes the last statistics, waits until every byte is in the file, closes it. Returns failure() if there is one.
  Result<void> finish();

  /// The first thing that went wrong with the output, null while all is well. Final: later packets are dropped and
  /// counted. The file ends after its last whole record.
  [[nodiscard]] const Error* failure() const noexcept;

  /// Bytes and packets in the current file so far, for stop conditions.
  [[nodiscard]] std::uint64_t file_bytes() const noexcept;
  [[nodiscard]] std::uint64_t file_packets() const noexcept;

  [[nodiscard]] RecorderStats stats() const;

 private:
  class Implementation;  // lib/store/recording.hpp
  explicit Recorder(std::unique_ptr<Implementation> implementation) noexcept;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace ringtail
