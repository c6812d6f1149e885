// One named capture: its workers, its files, and a thread that manages them.
//
//   supervisor ──request()──> manager's thread ──orders──> workers ──batches──> recorders ──files──> storage
//        └────status()──────> reads what the workers publish; waits for nobody
//
// The manager is where policy lives: it brings back interfaces that have gone away, starts a new file when the disk has
// room again, exchanges sources for a new filter. It may wait for the disk; neither the supervisor nor, as long as its
// rings and buffers last, a worker waits with it.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/wake_event.hpp"
#include "control/message.hpp"
#include "control/peer.hpp"
#include "lender.hpp"
#include "link_history.hpp"
#include "opener.hpp"
#include "settings.hpp"
#include "store/compressor.hpp"
#include "worker.hpp"

namespace ringtail::daemon {

// Both are called once, on the manager's thread.
using Reply = std::function<void(const control::Answer&)>;
using Outcome = std::function<void(const Result<void>&)>;

struct DumpRequest {
  std::optional<double> last_seconds{};          ///< none: all that is held
  std::shared_ptr<base::FileDescriptor> file{};  ///< where to; null: a file in the capture's storage
  std::string why{};                             ///< who or what asks
};

/// Threads: open(), start() and the destructor: the supervisor. request(), dump(), reconfigure(), stop(), status(),
/// configuration(), is_settled() and has_ended(): any.
class Capture {
 public:
  static constexpr const char* blind_worker = "no descriptor is left to wait for packets with: the ring fills";

  /// Opens the sources. An interface that is not there yet is waited for; anything else that fails is an error.
  [[nodiscard]] static Result<std::unique_ptr<Capture>> open(const CaptureSettings& settings, Opener& opener);
  ~Capture();  ///< what is in the rings is given up, if stop() has not been waited for
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  /// Opens the storage and the first files, and begins to capture.
  [[nodiscard]] Result<void> start();

  /// Does pause, resume, rotate and filter; `reply` gets the answer.
  void request(const control::Request& request, Reply reply);
  /// Writes what its flight recorder holds into a file; `reply` gets the answer when it is there.
  void dump(const DumpRequest& request, Reply reply);
  /// Takes over other settings under the same name. What they do not change goes on undisturbed; when `outcome` gets an
  /// error, all does.
  void reconfigure(const CaptureSettings& settings, Outcome outcome);
  /// Ends it: the inflow first, then the rings are emptied, then the files are finished.
  void stop();
  /// What is in the rings is given up.
  void abandon();

  [[nodiscard]] bool has_ended() const noexcept { return ended_.load(std::memory_order_acquire); }  // pairs with run()
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Somebody has connected and wants packets. Threads: the supervisor.
  void welcome(base::FileDescriptor socket, const control::Peer& peer);
  [[nodiscard]] control::CaptureStatus status() const;
  /// What it has taken over.
  [[nodiscard]] CaptureSettings configuration() const;
  /// False: it has been given others, and has not said yet what became of that.
  [[nodiscard]] bool is_settled() const;

 private:
  using Clock = std::chrono::steady_clock;

  /// One interface, in all workers.
  struct Slot {
    std::string device;
    std::vector<std::shared_ptr<Source>> rings;  ///< by worker; empty: there is no such interface now
    Clock::time_point gone_since{};
    std::uint64_t lost = 0;
  };

  /// A batch on its way from a flight recorder into a file.
  struct DumpPiece {
    std::shared_ptr<Source> source;
    Batch batch;
    Clock::time_point received_at;
  };
  /// A dump's file, and the sources it knows, by their ids.
  struct DumpFile {
    std::vector<std::shared_ptr<Source>> sources;
    Recorder recorder;

    [[nodiscard]] Result<std::uint16_t> id_of(const std::shared_ptr<Source>& source);
  };
  enum class TriggerStage : std::uint8_t { armed, fired, holding_off };

  Capture(const CaptureSettings& settings, Opener& opener);

  // capture.cpp: opening, requests, ending
  [[nodiscard]] Result<void> open_slots();
  [[nodiscard]] OpenOptions open_options(const std::string& device) const;
  [[nodiscard]] Result<void> open_lender();
  [[nodiscard]] Result<std::shared_ptr<store::StorageDirectory>> open_storage(
      const store::StorageOptions& options) const;
  void use_storage(std::shared_ptr<store::StorageDirectory> storage);
  [[nodiscard]] Result<void> make_workers();
  void run();
  void post(std::function<void()> task);
  [[nodiscard]] bool run_next_task();
  void carry_out(const control::Request& request, const Reply& reply);
  [[nodiscard]] Result<void> change_filter(const std::string& filter);
  void finish();

  // capture_reload.cpp: other settings
  [[nodiscard]] Result<void> apply(const CaptureSettings& wanted);
  [[nodiscard]] Result<void> change_files(const CaptureSettings& next);

  // capture_upkeep.cpp: what goes wrong and comes right again
  void wait_for_something();
  void look_after();
  void hear_of_links();
  void look_after_interfaces();
  void look_after_outputs();
  void look_after_workers();
  void look_after_quota();
  void bring_back(const std::vector<std::size_t>& slots, const std::string& why);
  void exchange_sources(const std::string& why);
  [[nodiscard]] bool has_ended(std::size_t slot) const;
  [[nodiscard]] bool open_slot(std::size_t slot);
  [[nodiscard]] Slots slots_of(std::size_t worker) const;
  [[nodiscard]] static RecorderOptions output_options(const CaptureSettings& settings,
                                                      std::shared_ptr<store::StorageDirectory> storage,
                                                      const std::string& comment);
  void install(std::size_t worker, const std::string& comment);
  void install(std::size_t worker, std::unique_ptr<Output> output);
  [[nodiscard]] std::unique_ptr<Order> tell(std::size_t worker, Order order);
  void finish_output(Order& answer);
  void tell_all(Order::Kind kind);
  void note(const std::string& problem);

  // capture_dump.cpp: what a flight recorder holds becomes a file
  [[nodiscard]] Result<control::DumpReport> carry_out(const DumpRequest& request);
  [[nodiscard]] Result<DumpFile> open_dump(const DumpRequest& request) const;
  [[nodiscard]] std::vector<DumpPiece> collect(const DumpWish& wish);
  [[nodiscard]] Result<void> write_dump(DumpFile& file, const DumpWish& wish);
  void look_after_trigger();

  // capture_status.cpp
  void add_sources(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const;
  void add_recorded(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const;
  void add_storage(control::CaptureStatus& status) const;
  void add_flight(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const;
  void add_state(control::CaptureStatus& status, const std::vector<WorkerFigures>& workers) const;

  const std::string name_;
  const std::optional<FlightSettings> flight_;
  Opener& opener_;
  const base::WakeEvent bell_;
  std::optional<tpacket::LinkWatch> links_;  ///< none: interfaces are looked for by the clock
  LinkHistory link_history_;
  const Clock::time_point begun_ = Clock::now();
  std::unique_ptr<Lender> lender_;  ///< null: nothing is lent
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<bool> has_output_;  ///< by worker
  bool has_blind_worker_ = false;
  bool finished_ = false;
  Clock::time_point look_due_{};
  Clock::time_point retry_due_{};
  Clock::time_point quota_due_{};
  std::string quota_problem_;  ///< why a file cannot be deleted
  std::chrono::seconds retry_interval_{1};
  std::shared_ptr<const FlightTrigger> trigger_;
  TriggerStage trigger_stage_ = TriggerStage::armed;
  Clock::time_point trigger_due_{};

  mutable std::mutex mutex_;          // of what follows; held for moments only, never by a worker
  CaptureSettings configured_;        ///< what was taken over
  CaptureSettings settings_;          ///< what it runs with; the filter may be another
  std::size_t reconfigurations_ = 0;  ///< still to be done
  std::vector<Slot> slots_;
  std::shared_ptr<store::StorageDirectory> storage_;
  std::unique_ptr<store::Compressor> compressor_;  ///< where it is wanted; it belongs to storage_
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  /// What no worker has counted: dumps, and what outputs came to hold after their workers had counted them, which can
  /// be less. Modulo 2^64, as all sums with it.
  RecorderFigures recorded_aside_;
  std::string dump_writer_;            ///< how the last dump was written
  std::uint64_t dumping_packets_ = 0;  ///< on their way from there into a file
  std::uint64_t dumps_ = 0;
  std::uint64_t dumps_failed_ = 0;
  std::uint64_t triggers_ = 0;
  std::string problem_;  ///< what is wrong now

  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace ringtail::daemon
