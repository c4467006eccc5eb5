// SPDX-License-Identifier: Apache-2.0
// What other nodes tell: which of two owners records a match, and how sure it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using ::testing::Each;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::World;

// Sound on a:1 → relay:1 and, half a second later, on relay:2 → sink:1; `learned` says which sightings were.
void relay(World& world, const std::function<bool(int leg, double seconds)>& learned) {
  for (int i = 0; i < 60; ++i) {
    const double start = 110 + i * 0.1;
    for (int leg = 0; leg < 2; ++leg) {
      const auto signature = static_cast<std::uint64_t>(1000 + (leg == 0 ? i : i - 5));
      if (leg == 1 && i < 5) continue;
      PlacedObservation seen = leg == 0 ? world.placed(signature, "a:1", "relay:1", start)
                                        : world.placed(signature, "relay:2", "sink:1", start);
      seen.observation.learned = learned(leg, start);
      seen.observation.point.node = static_cast<std::uint32_t>(leg + 1);
      world.matcher.observe(seen);
    }
  }
  world.settle();
}

TEST(MatcherLearned, TheLaterHopDecides) {
  World live_later;
  relay(live_later, [](int leg, double) { return leg == 0; });
  EXPECT_THAT(live_later.matches, Not(IsEmpty()));
  EXPECT_THAT(live_later.matches, Each(Field(&Match::learned, false)));
  World learned_later;
  relay(learned_later, [](int leg, double) { return leg == 1; });
  EXPECT_THAT(learned_later.matches, Each(Field(&Match::learned, true)));
  EXPECT_EQ(learned_later.stats().matched, 0U);
}

// Each sighting is live at exactly one of two owners, whatever the moment at which each sender changes over.
TEST(MatcherLearned, TwoOwnersRecordEachMatchOnce) {
  const auto recorded = [](const World& world) {
    return std::count_if(world.matches.begin(), world.matches.end(),
                         [](const Match& match) { return match.kind == MatchKind::latency && !match.learned; });
  };
  World alone;
  relay(alone, [](int, double) { return false; });
  const auto all = recorded(alone);
  for (const double change_a : {111.0, 112.03, 113.3}) {
    for (const double change_b : {111.5, 112.0, 112.04}) {
      const auto later = [&](int leg, double when) { return when >= (leg == 0 ? change_a : change_b); };
      World before;
      relay(before, [&](int leg, double when) { return later(leg, when); });
      World after;
      relay(after, [&](int leg, double when) { return !later(leg, when); });
      EXPECT_EQ(recorded(before) + recorded(after), all) << change_a << " " << change_b;
    }
  }
}

TEST(MatcherLearned, AMatchCarriesTheUncertaintyOfBothClocks) {
  World world;
  world.matcher.set_clock_uncertainty(1, 400'000'000);
  world.matcher.set_clock_uncertainty(2, 200'000'000);
  relay(world, [](int, double) { return false; });
  ASSERT_THAT(world.matches, Not(IsEmpty()));
  for (const Match& match : world.matches) EXPECT_EQ(match.uncertainty_ns, 600'000'000U);
  EXPECT_EQ(world.stats().uncertain, world.latencies(MatchKind::latency).size());  // 500 ms < 600 ms

  World one_clock;
  one_clock.matcher.set_clock_uncertainty(1, 400'000'000);
  one_clock.speak(1, 110, 3, {{"a:1", "relay:1", 0}, {"relay:2", "sink:1", 0.3}});
  one_clock.settle();
  EXPECT_EQ(one_clock.stats().uncertain, 0U);
}

// A call whose relay is on this node: its source's node sees the first hop before, its sink's the second one after.
struct Nodes {
  bool source = true;
  bool sink = true;
  bool sink_learned = false;  // another owner has its sightings
  bool behind = false;        // this node was told of the source's
};
void through_here(World& world, double start, double seconds, const Nodes& nodes) {
  for (int i = 0; i * 0.1 < seconds; ++i) {
    const double when = start + i * 0.1;
    const auto signature = static_cast<std::uint64_t>(std::llround(when * 10));
    const testing::Sighting packet{static_cast<std::uint32_t>(i + 1)};
    const auto see = [&](std::uint32_t node, PlacedObservation seen) {
      seen.observation.point.node = node;
      seen.observation.learned = node == 2 && nodes.sink_learned;
      seen.observation.behind = node == 0 && seen.observation.flow.destination.port == 1 && nodes.behind;
      world.matcher.observe(seen);
    };
    if (nodes.source) see(1, world.placed(signature, "a:1", "relay:1", when, packet));
    see(0, world.placed(signature, "a:1", "relay:1", when + 0.001, packet));
    see(0, world.placed(signature, "relay:2", "sink:9", when + 0.05, packet));
    if (nodes.sink) see(2, world.placed(signature, "relay:2", "sink:9", when + 0.051, packet));
  }
  world.matcher.advance(World::at(start + seconds + 1));
}

TEST(MatcherLearned, WhoeverSeesAFlowSecondDoesNotRecordItAlone) {
  World world;
  through_here(world, 110, 3, {});
  const FlowKey flow = world.placed(1, "a:1", "relay:1", 110).observation.flow;
  EXPECT_TRUE(world.matcher.is_behind(flow, 0));
  EXPECT_FALSE(world.matcher.is_behind(flow, 1));
  EXPECT_FALSE(world.matcher.is_behind(world.placed(1, "relay:2", "sink:9", 110).observation.flow, 0));
  EXPECT_FALSE(world.matcher.is_behind(world.placed(1, "c:1", "d:1", 110).observation.flow, 0));
  world.matcher.advance(World::at(120));
  EXPECT_FALSE(world.matcher.is_behind(flow, 0));  // not lately

  World told;  // by others, and has not seen it itself
  told.matcher.set_hearing(Hearing::nobody);
  through_here(told, 110, 10, {.source = false, .sink = false, .behind = true});
  EXPECT_THAT(told.matches, Not(IsEmpty()));
  EXPECT_THAT(told.matches, Each(Field(&Match::learned, true)));
}

// Others have done without this node, and some do not know yet that it is back: the sink's node sends its sightings to
// an owner that has the source's, too.
TEST(MatcherLearned, WhoeverWasCutOffRecordsWhatItHasAllSightingsOf) {
  const auto recorded = [](const Nodes& after) {
    World world;
    through_here(world, 110, 3, {});
    world.matcher.set_hearing(Hearing::nobody);
    through_here(world, 115, 3, {.source = false, .sink = false});
    world.matcher.set_hearing(Hearing::again);
    world.matches.clear();
    through_here(world, 125, 3, after);
    world.settle();
    return std::count_if(world.matches.begin(), world.matches.end(),
                         [](const Match& match) { return match.kind == MatchKind::latency && !match.learned; });
  };
  EXPECT_EQ(recorded({.sink = false}), 0);
  EXPECT_EQ(recorded({.sink_learned = true}), 0);
  EXPECT_EQ(recorded({}), 30);
}

}  // namespace
}  // namespace audio_latency
