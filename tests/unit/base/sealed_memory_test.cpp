// What a client that received the memory cannot do to it.
#include "base/sealed_memory.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/memfd.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace ringtail::base {
namespace {

using testing::HasSubstr;

constexpr std::size_t memory_bytes = 64 << 10;

SealedMemory make(Writers writers) {
  auto memory = SealedMemory::create("ringtail-test", memory_bytes, writers);
  EXPECT_TRUE(memory) << memory.error().message();
  return std::move(*memory);
}

void expect_unmappable(int descriptor, int protection) {
  void* const address = ::mmap(nullptr, memory_bytes, protection, MAP_SHARED, descriptor, 0);
  EXPECT_EQ(address, MAP_FAILED);
  EXPECT_EQ(errno, EPERM);
}

void expect_size_is_fixed(int descriptor) {
  EXPECT_EQ(::ftruncate(descriptor, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(descriptor, 2 * memory_bytes), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE), -1) << "or a client could stop the publisher's own writing";
}

TEST(SealedMemory, NobodyElseCanWriteWhatTheOwnerAloneWrites) {
  const SealedMemory memory = make(Writers::owner_alone);
  memory.data()[0] = std::byte{1};
  const std::string path = "/proc/self/fd/" + std::to_string(memory.descriptor());
  const FileDescriptor reopened(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  for (const int descriptor : {memory.descriptor(), reopened.get()}) {
    if (descriptor < 0) continue;
    expect_unmappable(descriptor, PROT_READ | PROT_WRITE);
    expect_unmappable(descriptor, PROT_WRITE);
    expect_size_is_fixed(descriptor);
    EXPECT_EQ(::pwrite(descriptor, "x", 1, 0), -1);
    EXPECT_EQ(::fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
  }
  const auto mapped = map_sealed(memory.descriptor(), memory_bytes, false);
  ASSERT_TRUE(mapped) << mapped.error().message();
  EXPECT_EQ(::mprotect(mapped->data(), memory_bytes, PROT_READ | PROT_WRITE), -1);
  EXPECT_EQ(errno, EACCES);

  memory.data()[memory_bytes - 1] = std::byte{2};  // the owner still writes
  EXPECT_EQ(mapped->data()[0], std::byte{1});
  EXPECT_EQ(mapped->data()[memory_bytes - 1], std::byte{2});
}

TEST(SealedMemory, AClientsStoreIntoReadOnlyMemoryKillsTheClient) {
  const SealedMemory memory = make(Writers::owner_alone);
  const auto mapped = map_sealed(memory.descriptor(), memory_bytes, false);
  ASSERT_TRUE(mapped);
  const auto store = [&] {
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would make it another end
    mapped->data()[0] = std::byte{7};
  };
  EXPECT_EXIT(store(), testing::KilledBySignal(SIGSEGV), "");
}

TEST(SealedMemory, WhatBothWriteCannotBeResizedEither) {
  const SealedMemory memory = make(Writers::owner_and_holder);
  const auto mapped = map_sealed(memory.descriptor(), memory_bytes, true);
  ASSERT_TRUE(mapped) << mapped.error().message();
  mapped->data()[5] = std::byte{9};
  EXPECT_EQ(memory.data()[5], std::byte{9});
  expect_size_is_fixed(memory.descriptor());
}

TEST(SealedMemory, AClientRefusesMemoryThatCouldBeCutUnderIt) {
  const FileDescriptor plain(::memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(plain.get(), memory_bytes), 0);
  auto mapped = map_sealed(plain.get(), memory_bytes, false);
  ASSERT_FALSE(mapped);
  EXPECT_THAT(mapped.error().message(), HasSubstr("cut short"));

  const SealedMemory memory = make(Writers::owner_alone);
  mapped = map_sealed(memory.descriptor(), memory_bytes + 1, false);
  ASSERT_FALSE(mapped);
  EXPECT_THAT(mapped.error().message(), HasSubstr("65536 bytes, not 65537"));

  const FileDescriptor no_memory(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(map_sealed(no_memory.get(), memory_bytes, false));
}

// The next access would be SIGBUS where no huge page is free. None is needed to see that it does not come to that.
TEST(SealedMemory, AClientRefusesHugePagesThatCouldGetHoles) {
  constexpr std::size_t huge_page_bytes = 2 << 20;
  const FileDescriptor huge(::memfd_create("huge", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_HUGE_2MB));
  if (!huge.is_open()) GTEST_SKIP() << "this kernel has no huge pages of 2 MiB";
  ASSERT_EQ(::ftruncate(huge.get(), huge_page_bytes), 0);
  constexpr int punch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  ASSERT_EQ(::fcntl(huge.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  ASSERT_EQ(::fallocate(huge.get(), punch, 0, huge_page_bytes), 0) << "these seals do not keep anybody from it";
  for (const bool writable : {false, true}) {
    const auto mapped = map_sealed(huge.get(), huge_page_bytes, writable);
    ASSERT_FALSE(mapped);
    EXPECT_THAT(mapped.error().message(), HasSubstr("holes"));
  }
  EXPECT_FALSE(map_all_sealed(huge.get()));

  ASSERT_EQ(::fcntl(huge.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
  EXPECT_EQ(::fallocate(huge.get(), punch, 0, huge_page_bytes), -1);
  EXPECT_EQ(errno, EPERM);
  if (const auto mapped = map_all_sealed(huge.get()); !mapped) {
    EXPECT_THAT(mapped.error().message(), HasSubstr("Cannot allocate memory")) << "no huge page is free";
  }
}

}  // namespace
}  // namespace ringtail::base
