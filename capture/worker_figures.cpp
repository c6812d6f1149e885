#include "worker_figures.hpp"

namespace ringtail::daemon {

WorkerFigures WorkerFigures::of(const ReceivingFigures& receiving, const WritingFigures& writing) {
  WorkerFigures figures{};
  static_cast<ReceivingFigures&>(figures) = receiving;
  const std::uint64_t handed_over = receiving.handed_over_packets;
  // Either may be the older one: the writer can have had more than the receiver has shown, or less.
  const std::uint64_t taken = writing.recorded.written_packets + writing.recorded.dropped_writer;
  const std::uint64_t dropped = std::min(writing.recorded.dropped_writer, handed_over);
  figures.waiting_packets = handed_over - std::min(taken, handed_over);
  figures.recorded = writing.recorded;
  figures.recorded.written_packets = handed_over - dropped;
  figures.recorded.dropped_writer = dropped + receiving.dropped_packets;
  figures.written_at_ns = writing.shown_at_ns;
  figures.writer = writing.writer;
  figures.failure = writing.failure;
  figures.late_packets = writing.late_packets;
  return figures;
}

}  // namespace ringtail::daemon
