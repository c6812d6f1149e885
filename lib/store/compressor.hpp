// Compresses the finished files of a storage directory, oldest first, when nobody else wants the processor.
//
//    uplink_00042.pcapng        finished
//   .uplink_00042.pcapng.zst.part       being compressed, by a thread of the lowest priority
//      │ complete, synced
//      v
//    uplink_00042.pcapng.zst    takes its place, and its age; the quota counts what it has become
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <ringtail/error.hpp>

#include "store/storage_directory.hpp"

namespace ringtail::store {

/// Threads: one makes and destroys it; its own works.
class Compressor {
 public:
  /// `complain` is called on the compressor's thread. A file that cannot be compressed stays as it is, and is tried
  /// again after a minute.
  Compressor(std::shared_ptr<StorageDirectory> storage, std::function<void(const Error&)> complain);
  ~Compressor();  ///< gives up the file in hand; it stays as it was
  Compressor(const Compressor&) = delete;
  Compressor& operator=(const Compressor&) = delete;

 private:
  void run();
  [[nodiscard]] bool compress_one();
  [[nodiscard]] Result<void> compress(const FinishedFileInHand& file);

  const std::shared_ptr<StorageDirectory> storage_;
  const std::function<void(const Error&)> complain_;
  std::set<std::string> failed_;  // names; of the compressor's thread
  std::mutex mutex_;              // for the condition only
  std::condition_variable wake_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace ringtail::store
