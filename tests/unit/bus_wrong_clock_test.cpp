// SPDX-License-Identifier: Apache-2.0
// Nodes whose clocks differ: what they record together is true within what it says of itself, or not recorded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/bus_call.hpp"

namespace audio_latency {
namespace {

using testing::Call;
using ::testing::HasSubstr;
using testing::Recorded;

// All that the nodes have recorded, with what it says of its error.
std::vector<Match> matches_of(Call& call) {
  std::vector<Match> matches;
  for (auto& node : call.nodes) {
    node->settle();
    for (const Match& match : node->matches) matches.push_back(match);
  }
  return matches;
}

// Matches that are further from the truth than they say, but for the millisecond of a hop that one end of has been
// seen.
std::size_t wrong(const std::vector<Match>& matches, const Recorded& truth) {
  return static_cast<std::size_t>(std::count_if(matches.begin(), matches.end(), [&](const Match& match) {
    if (match.kind == MatchKind::network) return false;
    const auto known = truth.find({match.signature, match.source.to_string(), match.dest.to_string()});
    if (known == truth.end()) return true;
    const double error = std::abs(static_cast<double>(match.latency_ns) * 1e-6 - known->second);
    return error > static_cast<double>(match.uncertainty_ns) * 1e-6 + 2;
  }));
}

std::uint64_t sum(const Call& call, std::uint64_t BusInboxStats::*member) {
  std::uint64_t sum = 0;
  for (const auto& node : call.nodes) sum += node->bus.stats().in.*member;
  return sum;
}

std::size_t latencies(const std::vector<Match>& matches) {
  return static_cast<std::size_t>(std::count_if(matches.begin(), matches.end(),
                                                [](const Match& match) { return match.kind != MatchKind::network; }));
}

TEST(BusWrongClock, CorrectedFromTheFirstLatencyOn) {
  for (const std::int64_t shift : {2'000, -2'000, 300, 3'600'000}) {
    Call call(3, {0, 0, shift}, true);
    call.run_until(122);
    const Recorded truth = call.truth();
    const auto matches = matches_of(call);
    EXPECT_EQ(wrong(matches, truth), 0U) << shift;
    EXPECT_GE(latencies(matches) + 4, truth.size()) << shift;
    for (const Match& match : matches) EXPECT_LT(match.uncertainty_ns, 1'000'000U);
    for (const BusPeerClock& clock : call.nodes[0]->bus.clocks()) {
      EXPECT_NEAR(static_cast<double>(clock.offset_ns) * 1e-6, clock.member == Call::ids()[2] ? shift : 0, 0.1);
    }
  }
}

TEST(BusWrongClock, SetWhileACallGoesOnItIsMeasuredAnew) {
  for (const std::int64_t shift : {2'000, -2'000, 30, -30}) {
    Call call(3, {0, 0, 0}, true);
    call.run_until(110.02);
    call.clock_shifts[2] = shift;
    call.run_until(122);
    const Recorded truth = call.truth();
    const auto matches = matches_of(call);
    EXPECT_EQ(wrong(matches, truth), 0U) << shift;
    EXPECT_GE(static_cast<double>(latencies(matches)), 0.95 * static_cast<double>(truth.size())) << shift;
    EXPECT_EQ(call.nodes[2]->events["clock_stepped"], std::abs(shift) > 100 ? 1 : 0) << shift;
    EXPECT_EQ(call.nodes[0]->events["clock_stepped"], 0) << shift;
  }
}

TEST(BusWrongClock, WithoutCorrectionALargeErrorIsRefusedAndSaid) {
  for (const std::int64_t shift : {2'000, -2'000, 600}) {
    Call call(3, {0, 0, shift});
    call.run_until(122);
    const Recorded truth = call.truth();
    EXPECT_EQ(wrong(matches_of(call), truth), 0U) << shift;
    EXPECT_GT(sum(call, &BusInboxStats::out_of_time), 50U) << shift;
    EXPECT_THAT(call.nodes[0]->bus.not_ready_reason(), HasSubstr("CLOCK_CORRECTION"));
    EXPECT_THAT(call.nodes[0]->bus.not_ready_reason(), HasSubstr(std::to_string(Call::ids()[2])));
    EXPECT_EQ(call.nodes[0]->events["clock_refused"], 1) << shift;
    EXPECT_EQ(call.nodes[0]->events["clock_accepted"], 0) << shift;
  }
}

TEST(BusWrongClock, WithoutCorrectionASmallErrorIsPartOfTheUncertainty) {
  for (const std::int64_t shift : {20, -20, 200}) {
    Call call(3, {0, shift, 0});
    call.run_until(122);
    const auto matches = matches_of(call);
    EXPECT_EQ(wrong(matches, call.truth()), 0U) << shift;
    EXPECT_GT(latencies(matches), 100U);
    std::size_t uncertain = 0;
    for (const Match& match : matches) uncertain += match.uncertainty_ns >= 20'000'000U ? 1 : 0;
    EXPECT_GT(uncertain, 100U) << shift;
  }
}

// Node 2 never says what its clock shows, so that nobody learns how far it is off.
TEST(BusWrongClock, WhatCanNotBeMeasuredIsNotMatched) {
  Call call(3, {0, 0, 300}, true);
  call.nodes[2]->transport.answers = false;
  call.run_until(122);
  EXPECT_EQ(wrong(matches_of(call), call.truth()), 0U);
  EXPECT_GT(sum(call, &BusInboxStats::no_clock), 50U);
}

}  // namespace
}  // namespace audio_latency
