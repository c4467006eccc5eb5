// SPDX-License-Identifier: Apache-2.0
// What is measured, and what makes two sightings one packet (matching.md).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::World;

auto about(double ms) {
  return ::testing::DoubleNear(ms, 1e-3);
}

TEST(Matcher, MeasuresTheExampleOfTheDesign) {
  World world;
  world.speak(1, 110, 2, {{"telephony:1", "relay:2", 0}, {"relay:3", "asr:4", 2.1}, {"asr:5", "analytics:6", 2.4}});
  world.settle();
  const auto expect = [&](MatchKind kind, const char* from, const char* to, double ms) {
    const auto found = world.latencies(kind, from, to);
    EXPECT_THAT(found, AllOf(SizeIs(63), Each(about(ms)))) << from << " to " << to;
  };
  expect(MatchKind::latency, "telephony:1", "asr:4", 2100);
  expect(MatchKind::latency, "telephony:1", "analytics:6", 2400);
  expect(MatchKind::latency, "relay:3", "analytics:6", 300);
  expect(MatchKind::stage, "relay:2", "relay:3", 2100);
  expect(MatchKind::stage, "asr:4", "asr:5", 300);
  EXPECT_THAT(world.matches, SizeIs(63 * 5));
  EXPECT_EQ(world.stats().matched, 63U);
}

TEST(Matcher, RecordsNothingBelowTheMinimumOfMatches) {
  World world;
  world.hear(1, "a:1", "r:1", 110);
  world.hear(2, "a:1", "r:1", 110.1);
  world.hear(1, "r:2", "b:1", 110.5);
  world.hear(2, "r:2", "b:1", 110.6);
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
}

TEST(Matcher, FormsNoLinkOfDelaysThatDisagree) {
  World world;
  const double delays[] = {0.1, 0.9, 2.0, 4.0};
  for (int i = 0; i < 4; ++i) {
    world.hear(1 + i, "a:1", "r:1", 110 + i);
    world.hear(1 + i, "r:2", "b:1", 110 + i + delays[i]);
  }
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
}

TEST(Matcher, RecordsAnyDelayOnceTheLinkIsFormed) {
  World world;
  world.speak(1, 110, 1, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.1}});
  world.speak(2, 112, 1, {{"a:1", "r:1", 0}, {"r:2", "b:1", 3.3}});
  world.settle();
  const auto found = world.latencies(MatchKind::latency);
  EXPECT_EQ(std::count_if(found.begin(), found.end(), [](double ms) { return std::abs(ms - 3300) < 0.01; }), 32);
}

TEST(Matcher, NothingConnectsUnconnectedFlows) {
  World world;
  world.speak(1, 110, 5, {{"a:1", "b:1", 0}, {"c:1", "d:1", 0.3}});
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
  EXPECT_GT(world.collisions(Collision::origins), 0U);
}

TEST(Matcher, FanOutGivesTwoBranchesAndNoStageBetweenThem) {
  World world;
  world.speak(1, 110, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.2}, {"r:2", "c:1", 0.25}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(63), Each(about(200))));
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "c:1"), AllOf(SizeIs(63), Each(about(250))));
  EXPECT_THAT(world.latencies(MatchKind::latency), SizeIs(126));
}

TEST(Matcher, ListenersOfOneSocketAreNoTwins) {
  World world;
  world.speak(1, 110, 2, {{"a:1", "r:1", 0}, {"a:1", "s:1", 0.0001}, {"r:2", "b:1", 0.2}, {"s:2", "c:1", 0.3}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), SizeIs(63));
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "c:1"), AllOf(SizeIs(63), Each(about(299.9))));
}

TEST(Matcher, EchoComesBackToItsSource) {
  World world;
  world.speak(1, 110, 2, {{"a:1", "agent:1", 0}, {"agent:1", "a:1", 0.4}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "a:1"), AllOf(SizeIs(63), Each(about(400))));
  EXPECT_THAT(world.latencies(MatchKind::stage, "agent:1", "agent:1"), AllOf(SizeIs(63), Each(about(400))));
}

TEST(Matcher, AlikeAddressesMeasureFromTheOriginOnly) {
  World world;
  world.speak(1, 110, 2, {{"lo:1", "lo:2", 0}, {"lo:3", "lo:4", 0.2}, {"lo:5", "lo:6", 0.3}});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "lo:1", "lo:4"), AllOf(SizeIs(63), Each(about(200))));
  EXPECT_THAT(world.latencies(MatchKind::latency, "lo:1", "lo:6"), AllOf(SizeIs(63), Each(about(300))));
  EXPECT_THAT(world.matches, SizeIs(126));
}

TEST(Matcher, TwoCapturePointsOfOnePacketAreNetworkTime) {
  World world;
  for (int i = 0; i < 4; ++i) {
    world.hear(1 + i, "a:1", "b:1", 110 + i, {.packet = 7U + i, .interface = 1});
    world.hear(1 + i, "a:1", "b:1", 110.003 + i, {.packet = 7U + i, .interface = 2});
  }
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::network, "a:1", "b:1"), AllOf(SizeIs(4), Each(about(3))));
  EXPECT_THAT(world.matches, SizeIs(4));
}

TEST(Matcher, OrderOfCapturePointsDoesNotMatter) {
  World world;
  world.hear(1, "a:1", "b:1", 110.003, {.packet = 7, .interface = 2});
  world.hear(1, "a:1", "b:1", 110, {.packet = 7, .interface = 1});
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::network), ElementsAre(about(3)));
}

TEST(Matcher, RetransmissionLeavesTheFirstStanding) {
  World world;
  world.hear(1, "a:1", "b:1", 110, {.packet = 7});
  world.hear(1, "a:1", "b:1", 110.2, {.packet = 7});
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
  EXPECT_EQ(world.collisions(Collision::repeat), 0U);
}

TEST(Matcher, TranslatedPacketIsOneHopToItsRealReceiver) {
  World world;
  for (int i = 0; i < 5; ++i) {
    const double t = 110 + i;
    const auto n = static_cast<std::uint32_t>(i);
    world.hear(1 + n, "a:1", "service:1", t, {.packet = 7 + n, .interface = 1, .ttl = 64, .ip_id = 99});
    world.hear(1 + n, "a:1", "pod:9", t + 0.001, {.packet = 7 + n, .interface = 2, .ttl = 63, .ip_id = 99});
    world.hear(1 + n, "pod:3", "b:1", t + 0.5, {.interface = 2});
  }
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::network, "a:1", "pod:9"), AllOf(SizeIs(5), Each(about(1))));
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(5), Each(about(500))));
  EXPECT_THAT(world.latencies(MatchKind::stage, "pod:9", "pod:3"), AllOf(SizeIs(5), Each(about(499))));
}

TEST(Matcher, RelayThatKeepsItsHeadersIsNoTranslation) {
  World world;
  for (int i = 0; i < 5; ++i) {
    const auto n = static_cast<std::uint32_t>(i);
    world.hear(1 + n, "a:1", "r:1", 110 + i, {.packet = 7 + n, .interface = 1, .ip_id = 99});
    world.hear(1 + n, "r:2", "b:1", 110.1 + i, {.packet = 7 + n, .interface = 2, .ip_id = 99});  // TTL is fresh
  }
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), AllOf(SizeIs(5), Each(about(100))));
}

// IP ID 0 on both sides says nothing: what a relay elsewhere sends on comes back with a lower TTL. A translated packet
// keeps one of its addresses.
TEST(Matcher, WithoutAnIpIdOnlyOneEndIsTranslated) {
  for (const bool relay : {true, false}) {
    World world;
    for (std::uint32_t i = 0; i < 10; ++i) {
      auto sent = world.placed(1 + i, "a:1", "r:1", 110 + i, {.packet = 7 + i, .interface = 1});
      const double later = 110.08 + i;
      auto again =
          world.placed(1 + i, relay ? "r:2" : "a:1", "c:1", later, {.packet = 7 + i, .interface = 2, .ttl = 62});
      for (auto* each : {&sent, &again}) each->observation.packet.ip_id_or_label = 0;
      world.matcher.observe(sent);
      world.matcher.observe(again);
    }
    world.settle();
    EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "c:1"), SizeIs(relay ? 10 : 0));
    EXPECT_THAT(world.latencies(MatchKind::network, "a:1", "c:1"), SizeIs(relay ? 0 : 10));
  }
}

// Owners of a large cluster hear of thousands of capture points; those of one flow are few.
TEST(Matcher, TellsAnyNumberOfCapturePointsApart) {
  World world;
  const auto see = [&](std::uint32_t node, std::uint32_t interface, const char* from, const char* to, double at,
                       std::uint64_t signature, std::uint32_t packet) {
    auto seen = world.placed(signature, from, to, at, {.packet = packet, .interface = interface});
    seen.observation.point.node = node;
    world.matcher.observe(seen);
  };
  for (std::uint32_t i = 0; i < 100; ++i) {
    const double at = 103 + i * 0.05;
    see(1, 1, "a:1", "r:1", at, 1000 + i, 10 + i);
    for (std::uint32_t node = 2; node < 42; ++node)
      for (std::uint32_t interface = 0; interface < 32; ++interface)
        see(node, interface, "z:1", "y:1", at + 0.0005, 0x1000000 + i * 10'000 + node * 64 + interface, 1000 + i);
    see(1, 2, "a:1", "r:1", at + 0.001, 1000 + i, 10 + i);
    see(1, 3, "r:2", "b:1", at + 0.1, 1000 + i, 500 + i);
    see(1, 4, "r:2", "b:1", at + 0.101, 1000 + i, 500 + i);
  }
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "a:1", "b:1"), SizeIs(100));
  EXPECT_TRUE(std::none_of(world.matches.begin(), world.matches.end(), [](const Match& each) { return each.learned; }));
}

TEST(Matcher, AnythingLongerThanTheMaximumIsNoMatch) {
  Options options;
  options.max_latency_ms = 1000;
  options.signature_ttl_seconds = 3;
  World world(options);
  world.speak(1, 110, 2, {{"a:1", "r:1", 0}, {"r:2", "b:1", 1.2}});
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
}

TEST(Matcher, CountsAHopThatComesBeforeItsPredecessor) {
  World world;
  world.speak(1, 110, 1, {{"a:1", "r:1", 0.05}, {"r:2", "b:1", 0}});
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
}

TEST(Matcher, SmallDisorderChangesNothing) {
  std::vector<PlacedObservation> seen;
  World builder;
  for (int i = 0; i < 200; ++i) {
    const double t = 110 + i * 0.03;
    seen.push_back(builder.placed(1 + i, "a:1", "r:1", t));
    seen.push_back(builder.placed(1 + i, "r:2", "b:1", t + 0.2));
  }
  std::mt19937 random(1);
  std::vector<std::pair<double, PlacedObservation>> jittered;
  for (const auto& o : seen) jittered.emplace_back(static_cast<double>(o.observation.time) + random() % 90'000'000, o);
  std::sort(jittered.begin(), jittered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  World world;
  for (const auto& [when, o] : jittered) world.matcher.observe(o);
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency), AllOf(SizeIs(200), Each(about(200))));
}

TEST(Matcher, LinksTellDelayAndDrift) {
  World world;
  for (int i = 0; i < 1200; ++i) {
    const double t = 110 + i * 0.05;
    world.hear(1 + i, "a:1", "r:1", t);
    world.hear(1 + i, "r:2", "b:1", t + 0.2 + 0.01 * (t - 110));  // falls behind by 1 %
  }
  world.settle();
  const auto links = world.matcher.links();
  ASSERT_THAT(links, SizeIs(1));
  EXPECT_EQ(links[0].matches, 1200U);
  EXPECT_NEAR(links[0].drift_ratio, 0.01, 0.001);
  EXPECT_NEAR(links[0].current_seconds, 0.2 + 0.01 * 55, 0.02);
}

TEST(Matcher, CoverageIsSecondsMeasuredOfSecondsHeard) {
  World world;
  world.speak(1, 110, 5, {{"a:1", "r:1", 0}, {"r:2", "b:1", 0.1}});
  world.speak(2, 120, 5, {{"a:1", "r:1", 0}});
  world.settle();
  const auto views = world.matcher.coverage();
  ASSERT_FALSE(views.empty());
  EXPECT_NEAR(static_cast<double>(views[0].speech_seconds), 10, 1);
  EXPECT_NEAR(static_cast<double>(views[0].measured_seconds), 5, 1);
}

}  // namespace
}  // namespace audio_latency
