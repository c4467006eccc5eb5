// SPDX-License-Identifier: Apache-2.0
// Flows that ended make room for new ones, however fast they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "matcher.hpp"
#include "support/matcher_hostile.hpp"
#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;

struct Discard : MatchSink {
  void on_match(const Match&) override {}
};

// New flows at a rate for a minute of event time, each of a host of its own.
MatcherStats after_a_minute_of(std::uint64_t flows_a_second, const Options& options, EventTime idle = 0) {
  Discard sink;
  Matcher matcher(options, sink);
  const EventTime step = kSecond / flows_a_second;
  for (std::uint64_t i = 0; i < 60 * flows_a_second; ++i) matcher.observe(testing::hostile::new_flow(i, step));
  for (EventTime at = 0; at <= idle; at += kSecond) matcher.advance(testing::hostile::kBegin + 60 * kSecond + at);
  return matcher.stats();
}

std::uint64_t refused(const MatcherStats& stats) {
  return stats.errors[static_cast<std::size_t>(MatcherError::flow_table_full)];
}

TEST(MatcherFlows, ThatEndedMakeRoomForNewOnes) {
  const MatcherStats stats = after_a_minute_of(300, {});  // 9,000 within FLOW_TIMEOUT_MS of 30 s, MAX_FLOWS is 10,000
  EXPECT_EQ(refused(stats), 0U);
  EXPECT_LE(stats.active_flows, 300U * 32);
}

TEST(MatcherFlows, OfALargeTableAreForgottenInTime) {
  Options options;
  options.max_flows = 130'000;  // more than twice as many as there are within 30 s: none has to make room
  const MatcherStats stats = after_a_minute_of(2000, options);
  EXPECT_EQ(refused(stats), 0U);
  EXPECT_GE(stats.active_flows, 2000U * 29);
  EXPECT_LE(stats.active_flows, 2000U * 32);
}

// A thousand a second, where fourteen thousand would have to fit: the table is filled four times over in a minute.
TEST(MatcherFlows, BeyondTheTableAreCountedAndAllEndInTime) {
  const MatcherStats busy = after_a_minute_of(1000, {});
  EXPECT_LE(busy.active_flows, 10'000U);
  EXPECT_GE(busy.active_flows, 9'000U);
  EXPECT_GT(refused(busy), 0U);
  EXPECT_LE(refused(busy), 1000U * 60 - 4 * 10'000U);
  EXPECT_EQ(after_a_minute_of(1000, {}, 62 * kSecond).active_flows, 0U);
}

// Flows of which nothing ever matched go as soon as they have no signature left; a call that pauses stays.
TEST(MatcherFlows, NeverLinkedMakeRoomEarlier) {
  Options options;
  options.max_flows = 600;
  testing::World world(options);
  const std::vector<testing::World::Leg> call = {{"caller:1", "relay:1"}, {"relay:2", "asr:1", 0.2}};
  world.speak(1, 105, 5, call);
  for (int i = 0; i < 750; ++i)  // 25 s of them
    world.hear(1'000'000'000U + static_cast<unsigned>(i), "host" + std::to_string(i) + ":1", "db:1", 111 + i / 30.0);
  const MatcherStats stats = world.stats();
  EXPECT_EQ(refused(stats), 0U);
  EXPECT_GT(stats.relieved_flows, 200U);
  EXPECT_EQ(stats.active_links, 1U);
  const std::size_t before = world.latencies(MatchKind::latency).size();
  world.speak(3, 136.5, 2, call);
  world.settle();
  EXPECT_GT(world.latencies(MatchKind::latency).size(), before + 50);
}

}  // namespace
}  // namespace audio_latency
