// SPDX-License-Identifier: Apache-2.0
// What must not be matched, and what no table may lose (matching.md, "What must not be matched", "Bounds").
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::World;

auto about(double ms) {
  return ::testing::DoubleNear(ms, 1e-3);
}

TEST(MatcherRefusal, ToneRepeatsAndGivesNothing) {
  World world;
  for (int i = 0; i < 200; ++i) {  // one signature each 40 ms
    world.hear(5, "a:1", "r:1", 110 + i * 0.04);
    world.hear(5, "r:2", "b:1", 110.02 + i * 0.04);
  }
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
  EXPECT_GT(world.collisions(Collision::repeat), 300U);
}

TEST(MatcherRefusal, LoopIsMeasuredOnItsFirstTurnOnly) {
  World world;
  for (int turn = 0; turn < 4; ++turn) world.speak(1, 110 + 4 * turn, 4, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.3}});
  world.settle();
  const auto found = world.latencies(MatchKind::latency);
  EXPECT_THAT(found, Each(about(300)));
  EXPECT_LE(found.size(), 125U);
  EXPECT_GT(world.collisions(Collision::repeat), 0U);
}

// The relay's first sound is of the turn before: 8 - 5 = 3 s after it the source plays the same again.
TEST(MatcherRefusal, LoopEnteredHalfWayShowsNoWrongTurn) {
  for (const char* prefix : {"lo", "x"}) {
    const std::string p = prefix;
    const auto name = [&](const char* who, const char* port) {
      return (p == "lo" ? p : who) + (":" + std::string(port));
    };
    World world;
    std::multimap<double, std::function<void()>> events;
    for (int i = 0; i < 1000; ++i) {
      const double t = 100.01 + i * 0.032;
      const auto at_source = static_cast<std::uint64_t>(i % 250);               // 8 s loop
      const auto at_relay = static_cast<std::uint64_t>((i + 250 - 156) % 250);  // 5 s behind
      events.emplace(t, [=, &world] { world.hear(1 + at_source, name("a", "1"), name("r", "2"), t); });
      events.emplace(t + 1e-4, [=, &world] { world.hear(1 + at_relay, name("r", "3"), name("b", "4"), t + 1e-4); });
    }
    for (auto& [when, event] : events) event();
    world.settle();
    EXPECT_THAT(world.matches, IsEmpty()) << prefix;
  }
}

TEST(MatcherRefusal, FlowThatRanBeforeIsHeldAndThenRecorded) {
  World world;
  world.speak(1, 100.01, 3, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}});
  EXPECT_THAT(world.matches, IsEmpty());
  world.matcher.advance(World::at(112));
  EXPECT_THAT(world.latencies(MatchKind::latency), AllOf(SizeIs(94), Each(about(200))));
}

TEST(MatcherRefusal, RecordingPlayedAgainIsANewOccurrence) {
  World world;
  world.speak(1, 110, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.3}});
  world.speak(1, 121, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.3}});
  world.speak(1, 140, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.3}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency), AllOf(SizeIs(63 * 3), Each(about(300))));
}

// Ten callers hear one prompt 100 ms apart through one media server, then speak; every call has its own delay.
TEST(MatcherRefusal, TenCallersOfOnePromptAreNeverCrossed) {
  World world;
  std::multimap<double, std::function<void()>> events;
  const auto call = [&](std::uint64_t seed, int k, double start, int windows) {
    const std::string n = std::to_string(100 + k);
    for (int i = 0; i < windows; ++i) {
      const double t = start + i * 0.032;
      const auto signature = seed * 10'000 + static_cast<std::uint64_t>(i);
      const double out = t + 0.05 + 0.11 * k;
      events.emplace(t, [=, &world] { world.hear(signature, "voice:" + n, "media:" + n, t); });
      events.emplace(out, [=, &world] { world.hear(signature, "media:2" + n, "listener:" + n, out); });
    }
  };
  for (int k = 0; k < 10; ++k) call(1, k, 110 + 0.1 * k, 250);
  for (int k = 0; k < 10; ++k) call(100 + static_cast<std::uint64_t>(k), k, 121, 300);
  for (auto& [when, event] : events) event();
  world.settle();
  for (int k = 0; k < 10; ++k) {
    const std::string n = std::to_string(100 + k);
    const auto own = world.latencies(MatchKind::latency, "voice:" + n, "listener:" + n);
    EXPECT_THAT(own, Each(about(50 + 110 * k)));
    EXPECT_GE(own.size(), 285U) << k;
  }
  std::set<std::pair<std::uint16_t, std::uint16_t>> pairs;
  for (const Match& match : world.matches) {
    if (match.kind == MatchKind::latency) pairs.emplace(match.source.port, match.dest.port);
  }
  EXPECT_THAT(pairs, SizeIs(10));
  EXPECT_GT(world.collisions(Collision::origins), 0U);
}

TEST(MatcherRefusal, LinkOlderThanAPromptIsBelieved) {
  World world;
  world.speak(1, 110, 3, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}});
  world.speak(2, 115, 3, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}, {"c:1", "d:1", 0.05}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(188), Each(about(200))));
}

TEST(MatcherRefusal, ReplayOfANeighbourChangesNothingOfItsLatency) {
  World world;
  world.speak(1, 110, 3, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}});
  world.speak(2, 115, 5, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}, {"evil:1", "r:1", 0.1}, {"evil:2", "b:1", 0.15}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(94 + 157), Each(about(200))));
  EXPECT_THAT(world.latencies(MatchKind::latency, "evil:1"), IsEmpty());
}

TEST(MatcherRefusal, OneSenderHoldsNoMoreThanATenthOfTheTables) {
  Options options;
  options.max_flows = 1000;
  options.max_active_signatures = 10'000;
  World world(options);
  world.speak(1, 110, 1, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}});
  for (int i = 0; i < 20'000; ++i) {
    const std::string port = std::to_string(1000 + i % 10'000);
    world.hear(1'000'000'000ULL + static_cast<std::uint64_t>(i), "evil:" + port, "x:1", 112 + i * 1e-5);
  }
  world.speak(2, 113, 1, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(64), Each(about(200))));
  EXPECT_GT(world.errors(MatcherError::flow_quota), 10'000U);
  EXPECT_LE(world.stats().active_flows, 102U);
  EXPECT_LE(world.stats().active_signatures, 1100U);
}

// Two pods that play one sound to and fro over many flows link each of those with each other.
TEST(MatcherRefusal, OneSenderHoldsNoMoreThanATenthOfTheLinks) {
  Options options;
  options.max_flows = 1000;
  World world(options);
  for (int round = 0; round < 600; ++round) {
    for (int hop = 0; hop < 16; ++hop) {
      const bool forth = hop % 2 == 0;
      const std::string port = std::to_string(1000 + (round * 7 + hop * 31) % 90);
      world.hear(5'000'000ULL + static_cast<std::uint64_t>(round), (forth ? "evil:" : "vile:") + port,
                 forth ? "vile:1" : "evil:1", 110 + round * 0.03 + hop * 0.001);
    }
  }
  world.speak(2, 129, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(63), Each(about(200))));
  EXPECT_GT(world.errors(MatcherError::link_quota), 1000U);
  EXPECT_EQ(world.errors(MatcherError::link_table_full), 0U);
}

TEST(MatcherRefusal, FullTableLosesTheOldestAndSaysSo) {
  Options options;
  options.max_active_signatures = 1000;
  World world(options);
  for (int i = 0; i < 3000; ++i) {
    world.hear(1 + static_cast<std::uint64_t>(i), "h" + std::to_string(i % 100) + ":1", "x:1", 110 + i * 1e-4);
  }
  EXPECT_EQ(world.stats().active_signatures, 1000U);
  EXPECT_EQ(world.errors(MatcherError::signature_evicted), 2000U);
  EXPECT_TRUE(world.stats().evicting_young);
}

TEST(MatcherRefusal, SignaturesExpire) {
  World world;
  for (int i = 0; i < 1000; ++i) world.hear(1 + static_cast<std::uint64_t>(i), "a:1", "r:1", 110 + i * 0.001);
  for (int i = 0; i < 1000; ++i) world.hear(5000 + static_cast<std::uint64_t>(i), "a:1", "r:1", 130 + i * 0.001);
  EXPECT_LE(world.stats().active_signatures, 1010U);
  EXPECT_EQ(world.errors(MatcherError::signature_evicted), 0U);
}

TEST(MatcherRefusal, TrailsAreBounded) {
  World world;
  for (int i = 0; i < 40; ++i)
    world.hear(1, "h" + std::to_string(i) + ":1", "h" + std::to_string(i + 1) + ":1", 110 + i * 0.01);
  world.settle();
  EXPECT_EQ(world.errors(MatcherError::trail_overflow), 24U);
}

TEST(MatcherRefusal, UnseenMiddleIsMatchedOnlyWhenAskedFor) {
  for (const bool asked : {false, true}) {
    Options options;
    options.match_unseen = asked;
    World world(options);
    world.speak(1, 110, 40, {{"a:1", "proxy:1", 0}, {"other:1", "b:1", 0.7}});
    world.settle();
    const auto found = world.latencies(MatchKind::latency, "a:1", "b:1");
    EXPECT_THAT(found, Each(about(700)));
    EXPECT_EQ(found.size() > 600, asked);
  }
}

TEST(MatcherRefusal, NewOwnerOfAnAddressGetsNothingOfTheOld) {
  World world;
  const auto as = [&](EndpointId id, std::uint64_t signature, const char* from, const char* to, double t) {
    PlacedObservation seen = world.placed(signature, from, to, t);
    if (seen.sender.component == world.placed(1, "r:2", "b:1", t).sender.component) seen.sender = {id, id};
    if (seen.receiver.component == world.placed(1, "a:1", "r:1", t).receiver.component) seen.receiver = {id, id};
    world.matcher.observe(seen);
  };
  for (int i = 0; i < 10; ++i) as(7, 1 + static_cast<std::uint64_t>(i), "a:1", "r:1", 110 + i * 0.05);
  for (int i = 0; i < 10; ++i) as(8, 1 + static_cast<std::uint64_t>(i), "r:2", "b:1", 111 + i * 0.05);
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
}

}  // namespace
}  // namespace audio_latency
