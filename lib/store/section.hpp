// What a capture file holds besides packets: its header, its interfaces, its statistics. One Section serves all files
// of a recording, and the interface ids are the same in each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <ringtail/error.hpp>
#include <ringtail/recorder.hpp>
#include <ringtail/source.hpp>

#include "pcapfile/encoder.hpp"

namespace ringtail::store {

class Section {
 public:
  using Bytes = std::vector<std::byte>;

  Section(FileFormat format, std::string application, std::string comment);

  /// Takes the source's interfaces in. The new source's id; a usage error when classic pcap would need two link types.
  [[nodiscard]] Result<std::uint16_t> add_source(const Source& source);
  [[nodiscard]] bool knows(std::uint16_t source_id) const noexcept { return source_id < sources_.size(); }

  /// Takes in interfaces that a source has got since. Cheap when there are none.
  [[nodiscard]] Result<void> learn_interfaces(std::uint16_t source_id);
  /// Where the file says so before its first packet; classic pcap needs an interface for that.
  [[nodiscard]] bool can_write_head() const noexcept { return format_ == FileFormat::pcapng || !interfaces_.empty(); }

  /// Appends what stands at the beginning of a file, interfaces included.
  void append_head(Bytes& out);
  /// Appends descriptions of the interfaces that came after append_head() or after the last call.
  void append_new_interfaces(Bytes& out);
  [[nodiscard]] bool has_new_interfaces() const noexcept { return described_ < interfaces_.size(); }

  /// Appends each source's figures up to now, as those of its first interface, sources that share it together;
  /// `only_changed` leaves out those whose figures are in this file already. Nothing in classic pcap.
  void append_statistics(Bytes& out, bool only_changed);
  /// Appends a comment about one of the source's interfaces, of now. Nothing in classic pcap, and nothing as long as
  /// the file has not described the interface.
  void append_note(Bytes& out, std::uint16_t source_id, std::uint16_t interface_id, std::string_view note) const;
  /// How much append_statistics() appends at most, as far as interfaces are known.
  [[nodiscard]] std::size_t statistics_bytes() const noexcept;

  /// For encoders: the source's interface ids to the file's.
  [[nodiscard]] pcapfile::InterfaceMap map(std::uint16_t source_id) const noexcept {
    return sources_[source_id].file_ids;
  }
  void count_written(std::uint16_t source_id, std::uint64_t packets) noexcept {
    sources_[source_id].written_packets += packets;
  }

 private:
  struct SourceEntry {
    const Source* source = nullptr;
    std::vector<std::uint32_t> file_ids;  // by the source's interface id
    std::uint64_t written_packets = 0;
    std::uint64_t figures_in_file = 0;  // the sum of those last appended to this file: they only grow
  };

  [[nodiscard]] std::uint32_t file_id_of(const Interface& interface, const SourceEntry& of);
  [[nodiscard]] Result<void> agree_on_link_type(const Source& source) const;
  [[nodiscard]] bool speaks_for_others(const SourceEntry& entry) const noexcept;
  [[nodiscard]] std::uint32_t agree_on_snaplen() const noexcept;

  const FileFormat format_;
  const std::string application_;
  const std::string comment_;
  const std::string hardware_;
  const std::string operating_system_;
  const std::uint64_t start_ns_;
  std::vector<SourceEntry> sources_;
  std::vector<const Interface*> interfaces_;  // by the file's id; they belong to the sources
  std::size_t statistics_blocks_ = 0;
  std::size_t described_ = 0;  // how many of them the current file has described
  std::uint32_t snaplen_ = 0;  // of the current file
};

}  // namespace ringtail::store
