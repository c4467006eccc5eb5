// SPDX-License-Identifier: Apache-2.0
#include "bus_owners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

namespace audio_latency {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr EventTime kSecond = 1'000'000'000;

// Everybody has heard of everybody.
std::vector<BusOwners> cluster(const std::vector<BusMember>& ids, std::size_t most) {
  std::vector<BusOwners> nodes;
  for (const BusMember self : ids) {
    nodes.emplace_back(self, most);
    for (const BusMember other : ids) nodes.back().heard(other, {"node"}, kSecond);
  }
  return nodes;
}

std::vector<BusMember> random_ids(std::size_t count) {
  std::mt19937_64 random(7);
  std::vector<BusMember> ids(count);
  for (BusMember& id : ids) id = random();
  return ids;
}

TEST(BusOwners, AloneItOwnsEverything) {
  const BusOwners alone(5, 16);
  EXPECT_TRUE(alone.owns(0));
  EXPECT_TRUE(alone.owns(0xffffffffffffffff));
  EXPECT_THAT(alone.owners(), ElementsAre(5));
  EXPECT_TRUE(alone.candidate());
}

TEST(BusOwners, AllNodesAgreeAndShareEvenly) {
  const auto nodes = cluster(random_ids(8), 16);
  std::mt19937_64 random(1);
  std::map<BusMember, int> share;
  constexpr int count = 80'000;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t signature = random();
    const BusMember owner = nodes.front().owner(signature);
    for (const BusOwners& node : nodes) ASSERT_EQ(node.owner(signature), owner);
    ++share[owner];
  }
  ASSERT_EQ(share.size(), nodes.size());
  for (const auto& [id, many] : share) EXPECT_NEAR(many, count / 8, count / 80) << id;
}

TEST(BusOwners, AChangeMovesOnlyTheSharesOfWhoCameOrWent) {
  const auto ids = random_ids(8);
  auto nodes = cluster(ids, 16);
  BusOwners& node = nodes.front();
  const BusMember gone = ids[3];
  EXPECT_FALSE(node.expire(kSecond + BusOwners::kDead));  // not yet
  for (const BusMember id : ids) {
    if (id != gone) node.heard(id, {"node"}, 3 * kSecond);
  }
  EXPECT_TRUE(node.expire(kSecond + BusOwners::kDead + 1));
  std::mt19937_64 random(2);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t signature = random();
    EXPECT_NE(node.owner(signature), gone);
    const BusMember before = node.previous_owner(signature);
    EXPECT_TRUE(before == gone || before == node.owner(signature));
  }
  EXPECT_TRUE(node.heard(gone, {"node"}, 9 * kSecond));
  EXPECT_TRUE(node.left(gone));
  EXPECT_FALSE(node.left(gone));
}

TEST(BusOwners, AtMostSoManyOwnAndFewMoreAnnounceThemselves) {
  const auto nodes = cluster(random_ids(40), 4);
  int candidates = 0;
  for (const BusOwners& node : nodes) {
    EXPECT_EQ(node.owners(), nodes.front().owners());
    candidates += node.candidate() ? 1 : 0;
  }
  EXPECT_EQ(nodes.front().owners().size(), 4U);
  EXPECT_EQ(candidates, 6);
}

TEST(BusOwners, WithoutABusEverythingComesHome) {
  auto nodes = cluster({1, 2, 3}, 16);
  EXPECT_THAT(nodes[1].owners(), UnorderedElementsAre(1, 2, 3));
  EXPECT_TRUE(nodes[1].forget_all());
  EXPECT_THAT(nodes[1].owners(), ElementsAre(2));
  EXPECT_FALSE(nodes[1].forget_all());
}

}  // namespace
}  // namespace audio_latency
