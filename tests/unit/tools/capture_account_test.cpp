#include "capture_account.hpp"

#include <gmock/gmock.h>

namespace ringtail::tools {
namespace {

using testing::HasSubstr;
using testing::Not;

Summary example() {
  Summary summary;
  const Stats stats{.received = 112, .delivered = 100, .dropped_ring = 10, .unread = 2, .dropped_interface = 3};
  summary.sources = {{"eth0", "tpacket", stats}, {"eth1", "tpacket", {.received = 50, .delivered = 50}}};
  summary.written.written_packets = 149;
  summary.written.dropped_writer = 1;
  summary.written.files_total = 1;
  return summary;
}

TEST(Account, NamesEveryCauseOfLoss) {
  const std::string text = account_text(example());
  EXPECT_THAT(text, HasSubstr("Packets captured: 149\n"));
  EXPECT_THAT(text, HasSubstr("interface 'eth0': 100/13 (ring:10/interface:3/unread:2/truncated:0)"));
  EXPECT_THAT(text, HasSubstr("Packets dropped by the writer: 1\n"));
  EXPECT_THAT(text, HasSubstr("received = delivered + dropped + unread: 162 = 150 + 10 + 2\n"));
  EXPECT_THAT(text, Not(HasSubstr("Files written")));
}

TEST(Account, OpensWithInterfacesAndFiles) {
  CaptureOptions options;
  options.interfaces = {{"eth0", {}}, {"eth1", {}}, {"lo", {}}};
  EXPECT_EQ(opening_text(options, {"a.0.pcapng", "a.1.pcapng"}),
            "Capturing on 'eth0', 'eth1' and 'lo'\nFile: a.0.pcapng\nFile: a.1.pcapng\n");
}

}  // namespace
}  // namespace ringtail::tools
