// SPDX-License-Identifier: Apache-2.0
#include "bus_spread.hpp"

#include <gtest/gtest.h>

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr std::uint32_t kLoad = BusSpread::kLoad;

TEST(BusSpread, TwoOwnersCarryALightLoad) {
  BusSpread spread(0);
  const BusOwners alone(5, 2);
  EXPECT_EQ(spread.decide(alone, kSecond), 2U);
}

TEST(BusSpread, TheOwnersLoadsTogetherSayHowManyThereAre) {
  BusSpread spread(0);
  BusOwners members(1, 2);
  members.heard(7, {"b", false, 2 * kLoad, 2}, kSecond);
  members.heard(9, {"c", false, kLoad / 2, 2}, kSecond);
  EXPECT_EQ(spread.decide(members, kSecond), 3U);
  members.heard(7, {"b", false, 1'000 * kLoad, 3}, 2 * kSecond);
  EXPECT_EQ(spread.decide(members, 2 * kSecond), BusSpread::kMost);
}

TEST(BusSpread, ItsOwnLoadIsWhatItMatchesInASecond) {
  BusSpread spread(0);
  const BusOwners alone(5, 2);
  spread.decide(alone, kSecond);
  for (int i = 0; i < 1'000; ++i) spread.count();
  spread.decide(alone, 3 * kSecond);
  EXPECT_EQ(spread.load(), 500U);
}

TEST(BusSpread, TheLowestMemberDecidesForAll) {
  BusSpread spread(16);
  BusOwners members(5, 16);
  members.heard(3, {"a", false, 0, 4}, kSecond);
  members.heard(4, {"b", false, 0, 9}, kSecond);
  EXPECT_EQ(spread.decide(members, kSecond), 4U);
  members.left(3);
  EXPECT_EQ(spread.decide(members, 2 * kSecond), 9U);
  members.left(4);
  EXPECT_EQ(spread.decide(members, 3 * kSecond), 16U);
}

TEST(BusSpread, ANewcomerThatDecidesKeepsWhatHolds) {
  BusSpread spread(0);
  BusOwners members(1, 2);
  members.heard(7, {"b", false, kLoad, 12}, kSecond);
  EXPECT_EQ(spread.decide(members, kSecond), 12U);
}

TEST(BusSpread, OwnersBecomeFewerWhenTheyHaveNotBeenNeededForAMinute) {
  BusSpread spread(0);
  BusOwners members(1, 2);
  members.heard(7, {"b", false, 4 * kLoad, 2}, kSecond);
  EXPECT_EQ(spread.decide(members, kSecond), 4U);
  members.heard(7, {"b", false, 3 * kLoad, 4}, 10 * kSecond);  // four are as good as three and a bit
  EXPECT_EQ(spread.decide(members, 100 * kSecond), 4U);
  members.heard(7, {"b", false, kLoad, 4}, 100 * kSecond);
  EXPECT_EQ(spread.decide(members, 101 * kSecond), 4U);
  EXPECT_EQ(spread.decide(members, 159 * kSecond), 4U);
  EXPECT_EQ(spread.decide(members, 162 * kSecond), 2U);
}

}  // namespace
}  // namespace audio_latency
