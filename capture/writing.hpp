// From batches to files: a worker's output, and what puts packets into order before it.
//
// It runs on the worker's thread, or on a thread of its own (writer_thread.hpp), and may wait for the disk.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <ringtail/batch.hpp>

#include "base/wake_event.hpp"
#include "order.hpp"
#include "ring/published.hpp"
#include "ring/time_order.hpp"
#include "worker_figures.hpp"

namespace ringtail::daemon {

/// Threads: one, but for figures().
class Writing {
 public:
  /// `order`: packets are written in the order of their time stamps. `bell`, which outlives it, is signalled when the
  /// output has failed.
  Writing(std::size_t slot_count, std::optional<ring::TimeOrder::Options> order, const base::WakeEvent& bell)
      : slot_count_(slot_count), order_options_(order), bell_(bell) {}

  void write(std::size_t slot, Batch&& batch);
  /// Nothing comes from there until something does.
  void end(std::size_t slot);
  /// Does what an order means for the files: install, rotate, note, finish.
  void obey(Order& order);
  /// What is due by the clock.
  void tick();
  void publish();

  /// Threads: any.
  [[nodiscard]] WritingFigures figures() const noexcept { return published_.read(); }

 private:
  void exchange_output(Order& order);
  void note(const Order& order);
  void emit(bool all);

  const std::size_t slot_count_;
  const std::optional<ring::TimeOrder::Options> order_options_;
  const base::WakeEvent& bell_;
  std::unique_ptr<Output> output_;
  std::optional<ring::TimeOrder> order_;  ///< what it holds is for output_
  std::uint64_t past_late_ = 0;           ///< of those before it
  RecorderFigures past_recorded_;         ///< of the outputs that were there before
  std::uint64_t unrecorded_ = 0;          ///< there was no output for these
  bool output_has_failed_ = false;
  WritingFigures shown_;
  ring::Published<WritingFigures> published_;
};

}  // namespace ringtail::daemon
