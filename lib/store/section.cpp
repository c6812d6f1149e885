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
    entry.file_ids.push_back(static_cast<std::uint32_t>(interfaces_.size()));
    interfaces_.push_back(&entry.source->interface(id));
  }
  return {};
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

void Section::append_statistics(Bytes& out, bool only_changed) {
  if (format_ != FileFormat::pcapng) return;
  for (SourceEntry& entry : sources_) {
    if (entry.file_ids.empty() || entry.file_ids.front() >= described_) continue;
    const Stats stats = entry.source->stats();
    const std::uint64_t figures = stats.received + stats.dropped_interface + entry.written_packets;
    if (only_changed && figures == entry.figures_in_file) continue;
    entry.figures_in_file = figures;
    pcapng::append_interface_statistics(out, entry.file_ids.front(),
                                        {.start_ns = start_ns_,
                                         .end_ns = wall_clock_ns(),
                                         .received = stats.received + stats.dropped_interface,
                                         .dropped_interface = stats.dropped_interface,
                                         .dropped_ring = stats.dropped_ring,
                                         .delivered = entry.written_packets});
  }
}

std::size_t Section::statistics_bytes() const noexcept {
  // Head, two times, four figures, end of options, trailer: the length does not depend on the values.
  constexpr std::size_t block_bytes = sizeof(pcapng::StatisticsHead) + 6 * (sizeof(pcapng::OptionHead) + 8) +
                                      pcapng::end_of_options_bytes + pcapng::block_trailer_bytes;
  return format_ == FileFormat::pcapng ? sources_.size() * block_bytes : 0;
}

}  // namespace ringtail::store
