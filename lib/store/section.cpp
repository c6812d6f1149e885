#include "store/section.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "pcapfile/pcap.hpp"
#include "pcapfile/pcapng.hpp"
#include "store/machine.hpp"

namespace ringtail::store {

namespace {

namespace pcap = pcapfile::pcap;
namespace pcapng = pcapfile::pcapng;

std::uint64_t wall_clock_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace

Section::Section(FileFormat format, std::string application, std::string comment)
    : format_(format),
      application_(std::move(application)),
      comment_(std::move(comment)),
      hardware_(machine_hardware()),
      operating_system_(machine_operating_system()),
      start_ns_(wall_clock_ns()) {}

Result<std::uint16_t> Section::add_source(const Source& source) {
  if (auto agreed = agree_on_link_type(source); !agreed) return tl::unexpected(std::move(agreed.error()));
  const auto id = static_cast<std::uint16_t>(sources_.size());
  sources_.push_back({.source = &source, .file_ids = {}});
  return learn_interfaces(id).map([id] { return id; });
}

Result<void> Section::learn_interfaces(std::uint16_t source_id) {
  SourceEntry& entry = sources_[source_id];
  const std::uint16_t count = entry.source->interface_count();
  if (count == entry.file_ids.size()) [[likely]]
    return {};
  if (auto agreed = agree_on_link_type(*entry.source); !agreed) return agreed;
  while (entry.file_ids.size() < count) {
    const auto id = static_cast<std::uint16_t>(entry.file_ids.size());
    entry.file_ids.push_back(file_id_of(entry.source->interface(id), entry));
  }
  statistics_blocks_ = static_cast<std::size_t>(
      std::ranges::count_if(sources_, [this](const SourceEntry& each) { return speaks_for_others(each); }));
  return {};
}

// Rings that share an interface's packets see the same interface; one description serves them all. What one source
// keeps apart stays apart.
std::uint32_t Section::file_id_of(const Interface& interface, const SourceEntry& of) {
  const auto count = static_cast<std::uint32_t>(interfaces_.size());
  for (std::uint32_t id = 0; id < count; ++id) {
    if (*interfaces_[id] == interface && std::ranges::count(of.file_ids, id) == 0) return id;
  }
  interfaces_.push_back(&interface);
  return count;
}

Result<void> Section::agree_on_link_type(const Source& source) const {
  if (format_ == FileFormat::pcapng || source.interface_count() == 0) return {};
  const Interface& first = interfaces_.empty() ? source.interface(0) : *interfaces_.front();
  for (std::uint16_t id = 0; id < source.interface_count(); ++id) {
    const Interface& interface = source.interface(id);
    if (interface.link_type == first.link_type) continue;
    return tl::unexpected(usage_error("write " + interface.name + " to a pcap file",
                                      interface.name + " has link type " + std::to_string(interface.link_type) + ", " +
                                          first.name + " has " + std::to_string(first.link_type) +
                                          ", and a pcap file has one for all",
                                      "use the pcapng format"));
  }
  return {};
}

std::uint32_t Section::agree_on_snaplen() const noexcept {
  std::uint32_t largest = 0;
  for (const Interface* interface : interfaces_) {
    if (interface->snaplen == 0) return 0;  // no limit
    largest = std::max(largest, interface->snaplen);
  }
  return largest;
}

void Section::append_head(Bytes& out) {
  snaplen_ = agree_on_snaplen();
  described_ = 0;
  for (SourceEntry& entry : sources_) entry.figures_in_file = 0;
  if (format_ == FileFormat::pcapng) {
    pcapng::append_section_header(out, {.hardware = hardware_,
                                        .operating_system = operating_system_,
                                        .application = application_,
                                        .comment = comment_});
    append_new_interfaces(out);
    return;
  }
  constexpr std::uint32_t no_limit = 262144;  // libpcap's MAXIMUM_SNAPLEN; 0 means the same to it, but not to all
  const auto precision = format_ == FileFormat::pcap ? pcap::Precision::microseconds : pcap::Precision::nanoseconds;
  pcap::append_file_header(out, precision, interfaces_.front()->link_type, snaplen_ == 0 ? no_limit : snaplen_);
  described_ = interfaces_.size();
}

void Section::append_new_interfaces(Bytes& out) {
  for (; described_ < interfaces_.size(); ++described_) {
    if (format_ != FileFormat::pcapng) continue;
    pcapng::append_interface_description(out, *interfaces_[described_], snaplen_, operating_system_);
  }
}

// True for the first of the sources whose first interface is the same.
bool Section::speaks_for_others(const SourceEntry& entry) const noexcept {
  if (entry.file_ids.empty()) return false;
  const auto first = std::ranges::find_if(sources_, [&](const SourceEntry& other) {
    return !other.file_ids.empty() && other.file_ids.front() == entry.file_ids.front();
  });
  return &*first == &entry;
}

void Section::append_statistics(Bytes& out, bool only_changed) {
  if (format_ != FileFormat::pcapng) return;
  for (SourceEntry& entry : sources_) {
    if (!speaks_for_others(entry) || entry.file_ids.front() >= described_) continue;
    const std::uint32_t file_id = entry.file_ids.front();
    pcapng::InterfaceCounters figures{.start_ns = start_ns_, .end_ns = wall_clock_ns()};
    for (const SourceEntry& member : sources_) {
      if (member.file_ids.empty() || member.file_ids.front() != file_id) continue;
      const Stats stats = member.source->stats();
      figures.received += stats.received;
      figures.dropped_ring += stats.dropped_ring;
      figures.delivered += member.written_packets;
      // Every member of a fanout is told all that the interface has lost.
      figures.dropped_interface = std::max(figures.dropped_interface, stats.dropped_interface);
    }
    figures.received += figures.dropped_interface;
    const std::uint64_t sum = figures.received + figures.delivered;
    if (only_changed && sum == entry.figures_in_file) continue;
    entry.figures_in_file = sum;
    pcapng::append_interface_statistics(out, file_id, figures);
  }
}

void Section::append_note(Bytes& out, std::uint16_t source_id, std::uint16_t interface_id,
                          std::string_view note) const {
  const auto& file_ids = sources_[source_id].file_ids;
  if (format_ != FileFormat::pcapng || interface_id >= file_ids.size() || file_ids[interface_id] >= described_) return;
  pcapng::append_interface_note(out, file_ids[interface_id], wall_clock_ns(), note);
}

std::size_t Section::statistics_bytes() const noexcept {
  // Head, two times, four figures, end of options, trailer: the length does not depend on the values.
  constexpr std::size_t block_bytes = sizeof(pcapng::StatisticsHead) + 6 * (sizeof(pcapng::OptionHead) + 8) +
                                      pcapng::end_of_options_bytes + pcapng::block_trailer_bytes;
  return format_ == FileFormat::pcapng ? statistics_blocks_ * block_bytes : 0;
}

}  // namespace ringtail::store
