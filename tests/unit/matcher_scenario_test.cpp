// SPDX-License-Identifier: Apache-2.0
// Cases that synthesised captures (tests/e2e/test_never_invented.py) brought to light, cut down to a few signatures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::World;

// caller -> agent -> callee, whose echo comes back the same way. The agent gets the audio twice; what it sends to the
// caller follows what it got from the callee, even where the delay since the first time wavers less.
TEST(MatcherScenario, StageOfAnEchoIsFromTheSecondArrival) {
  World world;
  for (int i = 0; i < 60; ++i) {
    const auto signature = static_cast<std::uint64_t>(i + 1);
    const double start = 110 + i * 0.5;
    const double waver = i % 2 == 0 ? 0 : 0.02;  // packets are cut at other phases
    world.hear(signature, "caller:1", "agent:1", start);
    world.hear(signature, "agent:2", "callee:1", start + 0.09 + waver);
    world.hear(signature, "callee:1", "agent:2", start + 0.3 + waver);
    world.hear(signature, "agent:1", "caller:1", start + 0.41);
  }
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::stage, "agent:1", "agent:1"), IsEmpty());
  EXPECT_THAT(world.latencies(MatchKind::stage, "agent:2", "agent:1"), SizeIs(60));
  EXPECT_THAT(world.latencies(MatchKind::latency, "caller:1", "caller:1"), SizeIs(60));
}

// A loop of 8 s, relayed 250 ms later, on addresses that are all alike. Half of its windows were not selected on the
// feeding flow in the first turn, so that there they come after the relay's: still nothing runs from relay to feed.
TEST(MatcherScenario, ALoopDoesNotRunBackwardsWhereAddressesAreAlike) {
  World world;
  for (int turn = 0; turn < 2; ++turn) {
    for (int i = 0; i < 100; ++i) {
      const auto signature = static_cast<std::uint64_t>(i + 1);
      const double start = 101.9 + 8 * turn + i * 0.03;
      if (turn > 0 || i % 2 == 0) world.hear(signature, "lo:1", "lo:2", start);
    }
    for (int i = 0; i < 100; ++i)
      world.hear(static_cast<std::uint64_t>(i + 1), "lo:3", "lo:4", 101.9 + 8 * turn + i * 0.03 + 0.25);
  }
  world.settle();
  EXPECT_THAT(world.latencies(MatchKind::latency, "lo:3", "lo:2"), IsEmpty());
}

}  // namespace
}  // namespace audio_latency
