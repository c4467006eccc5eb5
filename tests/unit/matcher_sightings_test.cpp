// SPDX-License-Identifier: Apache-2.0
// Several sightings of one packet, and sightings whose times say less than their order (matching.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::World;

MATCHER_P(about, milliseconds, "") {
  return std::abs(arg - milliseconds) < 0.001;
}

TEST(MatcherSightings, RetransmissionSeenAtTwoPointsLeavesTheFirstArrivalStanding) {
  World world;
  for (int i = 0; i < 5; ++i) {
    const auto n = static_cast<std::uint32_t>(i);
    for (const double late : {0.0, 0.03, 0.3}) {
      world.hear(1 + n, "a:1", "r:1", 110 + i + late, {.packet = 7 + n, .interface = 1});
      world.hear(1 + n, "a:1", "r:1", 110.001 + i + late, {.packet = 7 + n, .interface = 2});
    }
    world.hear(1 + n, "r:2", "b:1", 110.5 + i, {.interface = 2});
  }
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::network, "a:1", "r:1"), AllOf(SizeIs(5), Each(about(1))));
  EXPECT_THAT(world.latencies(MatchKind::stage), AllOf(SizeIs(5), Each(about(499))));
}

TEST(MatcherSightings, PacketLostBehindTheFirstPointArrivesByItsRetransmission) {
  World world;
  world.hear(1, "a:1", "r:1", 110, {.packet = 7, .interface = 1});
  world.hear(1, "a:1", "r:1", 110.25, {.packet = 7, .interface = 1});
  world.hear(1, "a:1", "r:1", 110.251, {.packet = 7, .interface = 2});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::network), ElementsAre(about(251)));
}

TEST(MatcherSightings, HopsAtOneTimeAreInTheOrderOfTheirObservation) {
  World world;
  world.speak(1, 110, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(63), Each(about(0))));
  EXPECT_EQ(world.collisions(Collision::origins), 0U);
}

TEST(MatcherSightings, SentBeforeItIsReceivedIsANegativeLatency) {
  World world;
  world.speak(1, 110, 2, {{"r:2", "b:1", 0}, {"a:1", "r:1", 0.03}});
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
  EXPECT_EQ(world.errors(MatcherError::negative_latency), 63U);
  EXPECT_EQ(world.collisions(Collision::origins), 0U);
}

TEST(MatcherSightings, SignaturesExpireInSilence) {
  World world;
  world.speak(1, 110, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.1}});
  EXPECT_EQ(world.stats().active_signatures, 63U);
  world.matcher.advance(World::at(125));
  EXPECT_EQ(world.stats().active_signatures, 0U);
}

// The queue of ages tells times half an hour apart, not more: a capture may have a gap of an hour.
TEST(MatcherSightings, SignaturesExpireAfterAnyGap) {
  for (const double gap : {20, 40, 60, 100}) {
    World world;
    world.speak(1, 110, 2, {{"a:1", "r:1", 0}});
    world.hear(9'999, "a:1", "r:1", 112 + gap * 60);
    world.matcher.advance(World::at(113 + gap * 60));
    EXPECT_EQ(world.stats().active_signatures, 1U) << gap;
  }
}

}  // namespace
}  // namespace audio_latency
