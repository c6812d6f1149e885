#include "pcapfile/pcap.hpp"

namespace ringtail::pcapfile::pcap {

void append_file_header(std::vector<std::byte>& out, Precision precision, std::uint16_t link_type,
                        std::uint32_t snaplen) {
  const FileHead head{.magic = precision == Precision::nanoseconds ? magic::nanoseconds : magic::microseconds,
                      .major_version = 2,
                      .minor_version = 4,
                      .reserved_zone = 0,
                      .reserved_accuracy = 0,
                      .snaplen = snaplen,
                      .link_type = link_type};
  const std::size_t begin = out.size();
  out.resize(begin + sizeof head);
  store(out.data() + begin, head);
}

}  // namespace ringtail::pcapfile::pcap
