// SPDX-License-Identifier: Apache-2.0
// Several nodes, each with a bus and a matcher: together they record what one that sees everything would.
#include "bus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/bus_call.hpp"

namespace audio_latency {
namespace {

using testing::Call;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Node;
using testing::Recorded;

// Recorded latencies that are true, but for the milliseconds of hops that only one end of has been seen.
std::size_t share(const Recorded& some, const Recorded& truth) {
  return static_cast<std::size_t>(std::count_if(some.begin(), some.end(), [&](const auto& each) {
    const auto known = truth.find(each.first);
    return known != truth.end() && std::abs(known->second - each.second) < 2.5;
  }));
}

bool once_each(const Recorded& recorded) {
  return std::all_of(recorded.begin(), recorded.end(),
                     [&](const auto& each) { return recorded.count(each.first) == 1; });
}

// To its end, and nothing is missing but the few votes of a moment, nothing invented or recorded twice.
void expect_all_once(Call& call) {
  call.run_until(122);
  const Recorded truth = call.truth();
  const Recorded recorded = call.recorded();
  EXPECT_TRUE(once_each(recorded));
  EXPECT_EQ(share(recorded, truth), recorded.size());
  EXPECT_GE(recorded.size() + 4, truth.size());
}

TEST(Bus, NodesTogetherRecordWhatOneWouldAlone) {
  Call call(4);
  call.run_until(122);
  const Recorded truth = call.truth();
  EXPECT_GT(truth.size(), 700U);
  EXPECT_EQ(call.recorded(), truth);
  std::size_t owners = 0;
  for (const auto& node : call.nodes) {
    const BusStats stats = node->bus.stats();
    EXPECT_EQ(stats.members, 4U);
    EXPECT_EQ(stats.in.lost + stats.in.unknown_flow + stats.in.duplicates + stats.in.misrouted, 0U);
    owners += stats.in.received > 0 ? 1 : 0;
  }
  EXPECT_EQ(owners, 4U);  // the fourth carries no sound, and owns its share all the same
}

TEST(Bus, AnObservationIsSentToItsOwnerOnly) {
  Call call(3);
  call.run_until(104);
  std::uint64_t out = 0, in = 0, local = 0;
  for (const auto& node : call.nodes) {
    out += node->bus.stats().out.sent;
    in += node->bus.stats().in.received;
    local += node->bus.stats().local;
  }
  call.run_until(104.03);  // what was waiting has left
  EXPECT_NEAR(static_cast<double>(out), static_cast<double>(in), 3);
  EXPECT_NEAR(static_cast<double>(out) / static_cast<double>(out + local), 2.0 / 3, 0.15);
}

TEST(Bus, ADeadOwnersShareIsTakenOverAndNothingRecordedTwice) {
  Call call(4);
  call.run_until(108);
  call.kill(3);
  call.run_until(122);
  const Recorded truth = call.truth();
  const Recorded recorded = call.recorded();
  EXPECT_TRUE(once_each(recorded));
  EXPECT_EQ(share(recorded, truth), recorded.size());  // none invented
  // At most 4 s and the settling time of a quarter's share are missing.
  const double missing = static_cast<double>(truth.size() - recorded.size()) / static_cast<double>(truth.size());
  EXPECT_LT(missing, 4.5 / 17 / 4 * 2);
  std::uint64_t lost = 0;
  for (const auto& node : call.nodes) lost += node ? node->bus.stats().out.owner_gone : 0;
  EXPECT_GT(lost, 0U);
}

TEST(Bus, AnOwnerThatJoinsTakesItsShareWithoutAGap) {
  Call call(4);
  call.nodes[3].reset();
  call.run_until(108);
  call.nodes[3] = std::make_unique<Node>(call.hub, Call::ids()[3]);
  expect_all_once(call);
  EXPECT_GT(call.nodes[3]->bus.stats().in.received, 0U);
}

TEST(Bus, AnotherNumberOfOwnersIsTakenUpWithoutAGap) {
  Call call(4);
  call.nodes[3].reset();
  call.run_until(108);
  call.nodes[3] = std::make_unique<Node>(call.hub, 1, false, 1);  // the lowest, which decides for all
  expect_all_once(call);
  for (const auto& node : call.nodes) EXPECT_EQ(node->bus.stats().owners, 1U);
  EXPECT_GT(call.nodes[3]->bus.stats().in.received, 0U);
}

TEST(Bus, APartitionLosesWhatCrossesItAndDoublesNothing) {
  Call call(3);
  call.run_until(107);
  call.hub.boxes[Call::ids()[1]].stalled = true;
  call.run_until(112);
  EXPECT_EQ(call.nodes[1]->bus.stats().members, 1U);
  EXPECT_THAT(call.nodes[1]->bus.not_ready_reason(), HasSubstr("brings none back"));
  call.hub.boxes[Call::ids()[1]].stalled = false;
  call.run_until(122);
  EXPECT_THAT(call.nodes[1]->bus.not_ready_reason(), IsEmpty());
  const Recorded truth = call.truth();
  const Recorded recorded = call.recorded();
  EXPECT_TRUE(once_each(recorded));
  EXPECT_EQ(share(recorded, truth), recorded.size());
  EXPECT_GT(recorded.size(), truth.size() / 2);
}

TEST(Bus, WithoutABusANodeMeasuresByItself) {
  Call call(3);
  call.run_until(107);
  for (auto& [member, box] : call.hub.boxes) box.connected = false;
  call.run_until(107.5);
  const std::size_t before = call.count(1, "b:1", "c:1");
  call.run_until(112);
  EXPECT_GE(call.count(1, "b:1", "c:1"), before + 95);  // 100 windows
  EXPECT_THAT(call.nodes[1]->bus.not_ready_reason(), HasSubstr("measures by itself"));
  EXPECT_TRUE(once_each(call.recorded()));
}

// Node 1 sees the end of the first hop and the beginning of the second; nodes 0 and 2 the other two.
TEST(Bus, HalvesThatEachSeeAnEndOfAHopDoNotBothRecordIt) {
  Call call(3);
  call.run_until(107);
  call.hub.boxes[Call::ids()[1]].stalled = true;
  call.run_until(118);
  call.hub.boxes[Call::ids()[1]].stalled = false;
  call.run_until(122);
  const Recorded recorded = call.recorded();
  EXPECT_TRUE(once_each(recorded));
  // The two that still hear each other go on when node 1 has been silent for 4 s.
  const Recorded truth = call.truth();
  EXPECT_GT(static_cast<double>(recorded.size()), 0.7 * static_cast<double>(truth.size()));
}

// It has matched nothing of the call itself, and knows from the owners that node 0 sees the first hop before it.
TEST(Bus, ANodeThatOwnsNothingRecordsWhatIsItsAloneWhereItIsCutOff) {
  Call call(4, {}, false, 2);
  call.run_until(104);
  call.nodes[1] = nullptr;
  constexpr BusMember again = 0xbbbbccccddddeeee;  // started again, it has never owned anything
  call.nodes[1] = std::make_unique<Node>(call.hub, again, false, 2);
  call.run_until(110);
  EXPECT_FALSE(call.nodes[1]->bus.stats().owns);
  EXPECT_GT(call.nodes[1]->bus.stats().behind, 0U);
  call.hub.boxes[again].stalled = true;
  call.run_until(114);
  const std::size_t before = call.count(1, "b:1", "c:1");
  call.run_until(118);
  EXPECT_GE(call.count(1, "b:1", "c:1"), before + 95);  // of 100 windows
  EXPECT_EQ(call.count(1, "a:1", "sink:1"), 0U);
  call.hub.boxes[again].stalled = false;
  call.run_until(122);
  const Recorded recorded = call.recorded();
  EXPECT_TRUE(once_each(recorded));
  const Recorded truth = call.truth();
  EXPECT_EQ(share(recorded, truth), recorded.size());
  EXPECT_GT(static_cast<double>(recorded.size()), 0.7 * static_cast<double>(truth.size()));
}

// Node 0 is gone for good: after a while node 1 is not told any more that it sees the hop second.
TEST(Bus, WhoSeesAFlowFirstIsForgottenWhereItDoesNotAnyMore) {
  Call call(4, {}, false, 2);
  call.speech_end = 160;
  call.run_until(107);
  call.kill(0);
  call.run_until(148);
  call.hub.boxes[Call::ids()[1]].stalled = true;
  call.run_until(153);
  const std::size_t before = call.count(1, "a:1", "sink:1");
  call.run_until(158);
  EXPECT_GE(call.count(1, "a:1", "sink:1"), before + 120);  // of 125 windows
}

TEST(Bus, LostDefinitionsAreAskedForAndLostObservationsCounted) {
  Call call(3);
  call.nodes[0]->transport.lose = 20;
  call.run_until(122);
  std::uint64_t lost = 0, unknown = 0;
  for (const auto& node : call.nodes) {
    lost += node->bus.stats().in.lost;
    unknown += node->bus.stats().in.unknown_flow;
  }
  EXPECT_GT(lost + unknown, 0U);
  const Recorded truth = call.truth();
  const Recorded recorded = call.recorded();
  EXPECT_TRUE(once_each(recorded));
  EXPECT_GT(static_cast<double>(recorded.size()), 0.8 * static_cast<double>(truth.size()));
}

TEST(Bus, AFullQueueIsCountedAndRecovers) {
  Call call(3);
  for (auto& node : call.nodes) node->transport.full = true;
  call.run_until(105);
  std::uint64_t dropped = 0;
  for (auto& node : call.nodes) {
    dropped += node->bus.stats().out.queue_full;
    node->transport.full = false;
  }
  EXPECT_GT(dropped, 50U);
  call.run_until(122);
  std::uint64_t unknown = 0;
  for (auto& node : call.nodes) unknown += node->bus.stats().in.unknown_flow;
  EXPECT_EQ(unknown, 0U);  // the definitions that were dropped were sent again
  EXPECT_TRUE(once_each(call.recorded()));
}

}  // namespace
}  // namespace audio_latency
