// SPDX-License-Identifier: Apache-2.0
// Cost per observation is O(1) amortised (matching.md, "Bounds and hostile input"), and no table stays full of what is
// over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <vector>

#include "matcher.hpp"
#include "support/matcher_hostile.hpp"

namespace audio_latency {
namespace {

using testing::Hostile;
namespace hostile = testing::hostile;

struct Discard : MatchSink {
  void on_match(const Match&) override {}
};

double thread_seconds() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) * 1e-9;
}

// How many times more the last part of many observations costs than the first.
double growth(const Hostile& traffic) {
  constexpr std::uint64_t part = 20'000, parts = 10;
  Discard sink;
  Options options;
  options.match_unseen = traffic.match_unseen;
  Matcher matcher(options, sink);
  const auto cost = [&](std::uint64_t first) {
    std::vector<PlacedObservation> batch;
    for (std::uint64_t i = first; i < first + part; ++i) batch.push_back(traffic.next(i));
    const double before = thread_seconds();
    for (const PlacedObservation& seen : batch) matcher.observe(seen);
    return thread_seconds() - before;
  };
  const double first = cost(0);
  double last = 0;
  for (std::uint64_t at = 1; at < parts; ++at) last = cost(at * part);
  return last / first;
}

class MatcherCost : public ::testing::TestWithParam<Hostile> {};

// Ten times the observations: a cost that grows with their number would grow tenfold. What shares the machine may
// make one measurement slow, so the least of three counts.
TEST_P(MatcherCost, OfAnObservationDoesNotGrow) {
  double least = growth(GetParam());
  for (int again = 0; again < 2 && least > 2; ++again) least = std::min(least, growth(GetParam()));
  EXPECT_LT(least, 5);
}

INSTANTIATE_TEST_SUITE_P(Hostile, MatcherCost, ::testing::ValuesIn(testing::kHostile),
                         [](const auto& tested) { return tested.param.name; });

// New flows at a rate for a minute of event time, each of a host of its own.
MatcherStats after_a_minute_of(std::uint64_t flows_a_second, const Options& options, EventTime idle = 0) {
  Discard sink;
  Matcher matcher(options, sink);
  const EventTime step = 1'000'000'000 / flows_a_second;
  for (std::uint64_t i = 0; i < 60 * flows_a_second; ++i) {
    const auto host = static_cast<std::uint32_t>(2 * i);
    matcher.observe(hostile::heard(i, step, i, host, host + 1));
  }
  matcher.advance(hostile::kBegin + 60'000'000'000 + idle);
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
  options.max_flows = 1'000'000;
  const MatcherStats stats = after_a_minute_of(2000, options);
  EXPECT_EQ(refused(stats), 0U);
  EXPECT_GE(stats.active_flows, 2000U * 29);
  EXPECT_LE(stats.active_flows, 2000U * 32);
}

TEST(MatcherFlows, BeyondTheTableAreCountedAndAllEndInTime) {
  const MatcherStats busy = after_a_minute_of(2000, {});
  EXPECT_EQ(busy.active_flows, 10'000U);
  EXPECT_LE(refused(busy), 2000U * 60 - 2 * 10'000U);
  EXPECT_EQ(after_a_minute_of(2000, {}, 35'000'000'000).active_flows, 0U);
}

}  // namespace
}  // namespace audio_latency
