// The log, when nobody reads it and when strangers would fill it.
#include <csignal>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

#include "base/file_descriptor.hpp"
#include "log_output.hpp"
#include "refusal_log.hpp"

namespace ringtail::daemon {
namespace {

using namespace std::chrono_literals;

class LogPipe : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);  // it blocks, as a shell's would
    reader_ = base::FileDescriptor(ends[0]);
    writer_ = base::FileDescriptor(ends[1]);
    ASSERT_EQ(::fcntl(reader_.get(), F_SETFL, O_NONBLOCK), 0);
  }
  std::string read_all() {
    std::string text;
    char bytes[4096];
    for (ssize_t got; (got = ::read(reader_.get(), bytes, sizeof bytes)) > 0;) {
      text.append(bytes, static_cast<std::size_t>(got));
    }
    return text;
  }

  base::FileDescriptor reader_;
  base::FileDescriptor writer_;
};

TEST_F(LogPipe, AFullOneIsNotWaitedFor) {
  LogOutput output(writer_.get());
  const std::string line = std::string(99, 'x') + "\n";
  std::size_t written = 0;
  while (output.write(line)) written += line.size();
  EXPECT_GT(written, 0U);
  EXPECT_FALSE(output.write(line));
  EXPECT_EQ(read_all().size(), written) << "whole lines";
  EXPECT_TRUE(output.write(line));
  EXPECT_EQ(read_all(), line);
}

TEST_F(LogPipe, WhatFollowsATornLineBeginsANewOne) {
  LogOutput output(writer_.get());
  EXPECT_FALSE(output.write(std::string(1'000'000, 'x') + "\n"));
  EXPECT_FALSE(output.write("lost\n"));
  (void)read_all();
  EXPECT_TRUE(output.write("whole\n"));
  EXPECT_EQ(read_all(), "\nwhole\n");
}

TEST_F(LogPipe, OneThatNobodyCanReadIsNoneEither) {
  ::signal(SIGPIPE, SIG_IGN);  // as the daemon does
  reader_.close();
  EXPECT_FALSE(LogOutput(writer_.get()).write("lost\n"));
}

TEST(RefusalLog, TellsOfAUserOnceAMinute) {
  RefusalLog refusals;
  const RefusalLog::Clock::time_point now{};
  EXPECT_EQ(refusals.count(1000, now), 0U);
  EXPECT_EQ(refusals.count(1000, now + 1s), std::nullopt);
  EXPECT_EQ(refusals.count(1000, now + 59s), std::nullopt);
  EXPECT_EQ(refusals.count(1001, now + 59s), 0U) << "another's";
  EXPECT_EQ(refusals.count(1000, now + 60s), 2U);
  EXPECT_EQ(refusals.count(1000, now + 120s), 0U);
}

TEST(RefusalLog, ManyUsersAreNoWayAroundIt) {
  RefusalLog refusals;
  const RefusalLog::Clock::time_point now{};
  std::size_t told = 0;
  for (uid_t user = 100'000; user < 165'536; ++user) told += refusals.count(user, now) ? 1 : 0;
  EXPECT_EQ(told, RefusalLog::most_users + 1);
  EXPECT_EQ(refusals.count(1000, now + 60s), 0U) << "there is room for others again";
}

}  // namespace
}  // namespace ringtail::daemon
