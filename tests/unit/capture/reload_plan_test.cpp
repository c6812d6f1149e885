#include "reload_plan.hpp"

#include <gmock/gmock.h>

namespace ringtail::daemon {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

CaptureSettings capture(const std::string& name) {
  return {.name = name, .devices = {"eth0"}};
}

TEST(ReloadPlan, LeavesAloneWhatHasNotChanged) {
  const ReloadPlan plan = plan_reload({capture("a"), capture("b")}, {capture("b"), capture("a")});
  EXPECT_THAT(plan.stop, IsEmpty());
  EXPECT_THAT(plan.start, IsEmpty());
  EXPECT_THAT(plan.restart, IsEmpty());
  EXPECT_THAT(plan.change, IsEmpty());
}

TEST(ReloadPlan, WhoIsStillAtItIsToldAgain) {
  EXPECT_THAT(plan_reload({capture("a")}, {capture("a")}, {"a"}).change,
              ElementsAre(Field(&CaptureSettings::name, "a")));
}

TEST(ReloadPlan, WhoMayAttachChangesInPlaceButNotTheMemory) {
  CaptureSettings others = capture("others");
  others.share.users = {1000};
  others.share.ring_users = {1000};
  CaptureSettings memory = capture("memory");
  memory.share.memory_mib = 8;
  CaptureSettings no_files = capture("no files");
  CaptureSettings files = no_files;
  files.storage.directory = "/d";
  const ReloadPlan plan = plan_reload({capture("others"), capture("memory"), no_files}, {others, memory, files});
  EXPECT_THAT(plan.change, ElementsAre(Field(&CaptureSettings::name, "others")));
  EXPECT_THAT(plan.restart,
              ElementsAre(Field(&CaptureSettings::name, "memory"), Field(&CaptureSettings::name, "no files")));
}

TEST(ReloadPlan, TellsApartWhatCanBeChangedInPlace) {
  CaptureSettings filter = capture("filter");
  filter.open.filter = "tcp";
  CaptureSettings files = capture("files");
  files.output.rotation.file_bytes = 1;
  CaptureSettings quota = capture("quota");
  quota.storage.quota.bytes = 1;
  CaptureSettings devices = capture("devices");
  devices.devices.push_back("eth1");
  CaptureSettings threads = capture("threads");
  threads.threads = 2;
  const ReloadPlan plan = plan_reload(
      {capture("gone"), capture("filter"), capture("files"), capture("quota"), capture("devices"), capture("threads")},
      {filter, files, quota, devices, threads, capture("new")});
  EXPECT_THAT(plan.stop, ElementsAre("gone"));
  EXPECT_THAT(plan.start, ElementsAre(Field(&CaptureSettings::name, "new")));
  EXPECT_THAT(plan.change, ElementsAre(Field(&CaptureSettings::name, "filter"), Field(&CaptureSettings::name, "files"),
                                       Field(&CaptureSettings::name, "quota")));
  EXPECT_THAT(plan.restart,
              ElementsAre(Field(&CaptureSettings::name, "devices"), Field(&CaptureSettings::name, "threads")));
}

TEST(ReloadPlan, AWriterThreadIsThereFromTheBeginning) {
  CaptureSettings before = capture("a");
  before.storage.directory = "/d";
  CaptureSettings always = before;
  always.writer_thread = true;
  CaptureSettings without = before;
  without.writer_thread = false;
  EXPECT_THAT(plan_reload({before}, {before}).restart, IsEmpty());
  EXPECT_THAT(plan_reload({before}, {always}).restart, ElementsAre(Field(&CaptureSettings::name, "a")));
  EXPECT_THAT(plan_reload({before}, {without}).restart, ElementsAre(Field(&CaptureSettings::name, "a")));
}

TEST(ReloadPlan, AFlightRecorderIsOfOneRing) {
  CaptureSettings before = capture("a");
  before.flight.emplace();
  CaptureSettings longer = before;
  longer.flight->age *= 2;
  CaptureSettings larger = before;
  larger.open.buffer_bytes *= 2;
  CaptureSettings elsewhere = before;
  elsewhere.storage.directory = "/other";
  EXPECT_EQ(plan_reload({before}, {longer}).restart.size(), 1U);
  EXPECT_EQ(plan_reload({before}, {larger}).restart.size(), 1U);
  EXPECT_EQ(plan_reload({before}, {elsewhere}).change.size(), 1U);
}

}  // namespace
}  // namespace ringtail::daemon
