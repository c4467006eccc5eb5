// SPDX-License-Identifier: Apache-2.0
// Cost per observation is O(1) amortised (matching.md, "Bounds and hostile input"), whatever anybody sends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "matcher.hpp"
#include "support/matcher_hostile.hpp"

namespace audio_latency {
namespace {

using testing::Hostile;

struct Discard : MatchSink {
  void on_match(const Match&) override {}
};

// Pairs of the sixteen hops of a trail, and the votes of one link that do not agree.
constexpr double kMostSteps = 16 * 16 + 256;

class MatcherCost : public ::testing::TestWithParam<Hostile> {};

TEST_P(MatcherCost, OfAnObservationIsBoundedAndDoesNotGrow) {
  constexpr std::uint64_t part = 20'000, parts = 8;
  Discard sink;
  Options options;
  options.match_unseen = GetParam().match_unseen;
  Matcher matcher(options, sink);
  std::uint64_t before = 0;
  double first = 0, last = 0;
  for (std::uint64_t i = 0; i < part * parts; ++i) {
    matcher.observe(GetParam().next(i));
    if ((i + 1) % part != 0) continue;
    const std::uint64_t steps = matcher.stats().steps;
    last = static_cast<double>(steps - before) / part;
    if (before == 0) first = last;
    before = steps;
    EXPECT_LE(last, kMostSteps);
  }
  EXPECT_LE(last, 3 * first + 1);
  RecordProperty("steps_an_observation", std::to_string(last));
}

INSTANTIATE_TEST_SUITE_P(Hostile, MatcherCost, ::testing::ValuesIn(testing::kHostile),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace audio_latency
