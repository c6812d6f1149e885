#include "access.hpp"

#include <gtest/gtest.h>

namespace ringtail::daemon {
namespace {

using control::Operation;

constexpr uid_t own_user = 500;

TEST(Access, RootAndOwnUserMayDoEverything) {
  for (const Operation operation : control::all_operations) {
    EXPECT_TRUE(may({.uid = 0}, operation, {}, own_user));
    EXPECT_TRUE(may({.uid = own_user}, operation, {}, own_user));
    EXPECT_FALSE(may({.uid = 1000, .gid = 0}, operation, {}, own_user)) << "root's group is not root";
  }
}

TEST(Access, RulesNameUsersAndGroupsAndOperations) {
  const std::vector<AccessRule> rules = {{.user = 1000, .operations = {Operation::stat, Operation::pause}},
                                         {.group = 44, .operations = {Operation::stat}}};
  EXPECT_TRUE(may({.uid = 1000, .gid = 1}, Operation::pause, rules, own_user));
  EXPECT_FALSE(may({.uid = 1000, .gid = 1}, Operation::stop, rules, own_user));
  EXPECT_TRUE(may({.uid = 1001, .gid = 44}, Operation::stat, rules, own_user));
  EXPECT_TRUE(may({.uid = 1001, .gid = 1, .groups = {7, 44}}, Operation::stat, rules, own_user));
  EXPECT_FALSE(may({.uid = 1001, .gid = 1, .groups = {7}}, Operation::stat, rules, own_user));
  EXPECT_FALSE(may({.uid = 44, .gid = 1000}, Operation::stat, rules, own_user)) << "a uid is no gid";
}

}  // namespace
}  // namespace ringtail::daemon
