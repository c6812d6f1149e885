// The directory in which a capture that runs for years keeps its files.
//
//   .uplink_00042_20261122T065600.pcapng.part     being written, and locked (flock) by whoever writes it
//      │ complete, synced, closed
//      v
//    uplink_00042_20261122T065600.pcapng          finished: counts for the quota, goes when it is the oldest
//      │ on request (compressor.hpp)
//      v
//    uplink_00042_20261122T065600.pcapng.zst      so does this one
//
// The directory is opened once; everything after that happens through its descriptor, so that moving or replacing it
// leads nobody elsewhere. No name is ever followed or replaced. What a crash has left is made whole (store/recover)
// and finished at the next start.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>

#include "base/file_descriptor.hpp"
#include "store/name_template.hpp"
#include "store/output_file.hpp"

namespace ringtail::store {

/// The oldest finished files go when there is more than this; what is not set does not limit.
struct Quota {
  std::optional<std::uint64_t> bytes{};       ///< in all finished files
  std::optional<double> disk_percent{};       ///< of the file system's size, for all finished files
  std::optional<double> free_percent{};       ///< to be left on the file system
  std::optional<std::chrono::seconds> age{};  ///< since a file was last written to; setting the clock ages none

  [[nodiscard]] bool operator==(const Quota&) const = default;
};

/// What becomes of finished files.
enum class Compression : std::uint8_t { none, zstd };

struct StorageOptions {
  std::string directory{};
  std::string file_name = "{capture}_{sequence}_%Y%m%dT%H%M%S.pcapng";  ///< see NameTemplate
  std::string capture{};
  std::string interface {};
  Quota quota{};
  FileFormat format = FileFormat::pcapng;
  bool group_readable = false;                  ///< mode 0640 instead of 0600
  Compression compression = Compression::none;  ///< carried out by a Compressor

  [[nodiscard]] bool operator==(const StorageOptions&) const = default;
  /// They differ in quota and compression at most, which can be changed while a directory is open.
  [[nodiscard]] bool has_same_files(const StorageOptions& other) const;
};

/// What has become of finished files since the directory was opened, and what is still to come.
struct CompressionFigures {
  std::uint64_t files = 0;          ///< compressed
  std::uint64_t input_bytes = 0;    ///< of those before
  std::uint64_t output_bytes = 0;   ///< and after
  std::uint64_t waiting_files = 0;  ///< finished and not compressed
  std::uint64_t waiting_bytes = 0;
};

struct StorageFigures {
  std::uint64_t files = 0;  ///< finished ones
  std::uint64_t bytes = 0;  ///< in them
  std::uint64_t deleted = 0;
  CompressionFigures compression{};
  std::string newest{};  ///< the last one begun, by the name it will have
};

/// A file of an earlier run, whole again.
struct Leftover {
  std::string name;
  std::uint64_t packets = 0;
  std::uint64_t cut_bytes = 0;     ///< a torn record at its end
  std::uint64_t filled_bytes = 0;  ///< of holes: writes that a power cut let arrive out of order
};

/// A finished file, opened to be compressed.
struct FinishedFileInHand {
  std::string name;
  ino_t inode = 0;
  base::FileDescriptor descriptor;
};

/// One capture's files: those whose names its template could have made. Threads: any.
class StorageDirectory {
 public:
  /// The directory must exist. Finds what earlier runs have left there, and finishes it.
  [[nodiscard]] static Result<std::shared_ptr<StorageDirectory>> open(StorageOptions options);

  /// Whether files can be made in that directory. It is tried, for access(2) does not tell what Landlock refuses.
  [[nodiscard]] static Result<void> check(const std::string& directory);

  /// A new hidden file.
  [[nodiscard]] Result<OutputFile> create();
  /// A new file without any name yet. Nothing where the file system has no such files.
  [[nodiscard]] std::optional<OutputFile> create_unnamed() const;
  /// Gives it its hidden name. False: it cannot be had, and create() will say why.
  [[nodiscard]] bool name(OutputFile& file);

  /// The file is complete and synced: it gets its final name, which is on the disk when this returns; then the quota is
  /// looked after. Returns the final path.
  [[nodiscard]] Result<std::string> publish(const OutputFile& file, std::uint64_t bytes);
  /// The file holds nothing of worth.
  void discard(const OutputFile& file) noexcept;

  /// Deletes the oldest files while there is too much. One that somebody reads (holds a shared flock on), and one that
  /// cannot be deleted, is passed over until the next time. Error: why the oldest of those cannot be deleted.
  Result<void> enforce_quota();
  /// Another quota from now on, for enforce_quota().
  void change_quota(const Quota& quota);
  /// This one has followed `before`, into which nobody publishes any more: what was published there since this one was
  /// opened belongs here now if it has such a name and is in the same directory, and what was counted there counts on.
  void take_over(const StorageDirectory& before);

  // For the compressor (storage_compressed.cpp)

  /// Nothing when there is none that is neither compressed, nor read by somebody, nor to be passed over.
  [[nodiscard]] std::optional<FinishedFileInHand> oldest_uncompressed(const std::set<std::string>& passed_over) const;
  /// The hidden file that is to hold it compressed.
  [[nodiscard]] Result<OutputFile> create_compressed(const FinishedFileInHand& original) const;
  /// `compressed` is complete and synced: it gets its final name and stands where `original` stood, which is removed.
  [[nodiscard]] Result<void> exchange(const FinishedFileInHand& original, const OutputFile& compressed,
                                      std::uint64_t bytes);

  [[nodiscard]] StorageFigures figures() const;
  [[nodiscard]] const std::vector<Leftover>& leftovers() const noexcept { return leftovers_; }  ///< found by open()
  /// Of the file system, when room was last measured. Waits for no disk.
  [[nodiscard]] double free_percent() const noexcept { return free_percent_.load(std::memory_order_relaxed); }
  void measure_room() const noexcept;
  /// False when a file begun now would soon end for want of room.
  [[nodiscard]] bool has_room() const noexcept;

 private:
  struct Stored {
    std::string name;
    ino_t inode = 0;
    std::uint64_t bytes = 0;
    std::chrono::steady_clock::time_point written_at{};  // of earlier runs' files: as old as they were at the start
  };

  /// The same moment by two clocks: the one that is never set, and the one of files.
  struct Moment {
    std::chrono::steady_clock::time_point steady;
    std::time_t wall;
  };

  enum class Removal : std::uint8_t { done, was_gone, is_read };

  StorageDirectory(StorageOptions options, NameTemplate names, base::FileDescriptor directory);
  [[nodiscard]] Result<void> scan();
  void take_stock_of(const std::string& name, const Moment& now);
  void add(Stored file);
  void forget(std::deque<Stored>::iterator file);
  void sort_by_age();
  void finish_leftover(const std::string& hidden, const std::string& name);
  void remove_leftover(const std::string& hidden) const;
  void remove_originals_of_compressed();
  [[nodiscard]] std::deque<Stored>::iterator find(const FinishedFileInHand& file);
  [[nodiscard]] bool has(const FinishedFileInHand& file);
  [[nodiscard]] bool is_still(const std::string& name, ino_t inode) const noexcept;
  [[nodiscard]] std::string next_hidden_name();
  [[nodiscard]] std::string path_of(const std::string& name) const { return options_.directory + "/" + name; }
  [[nodiscard]] std::optional<Stored> oldest_beyond_quota(std::size_t passed_over) const;
  [[nodiscard]] Result<Removal> remove(const Stored& file) const;
  [[nodiscard]] Error failed(const std::string& operation, const std::string& name, int error_number) const;

  const StorageOptions options_;  // but for the quota
  const NameTemplate names_;
  const base::FileDescriptor directory_;
  std::vector<Leftover> leftovers_;

  mutable std::mutex mutex_;  // of what follows; never held while the disk is waited for
  Quota quota_;
  std::deque<Stored> stored_;  // oldest first
  std::uint64_t stored_bytes_ = 0;
  std::uint64_t deleted_ = 0;
  CompressionFigures compression_;
  std::uint64_t last_sequence_ = 0;
  std::string newest_;
  std::mutex quota_mutex_;  // one at a time looks after the quota
  mutable std::atomic<double> free_percent_{0};
};

}  // namespace ringtail::store
