// SPDX-License-Identifier: Apache-2.0
// Whose seconds of sound are counted.
#include <gtest/gtest.h>

#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using testing::World;

// Processes and pods have no name yet when their first packet passes.
TEST(MatcherCoverage, SecondsGoToTheNameOnceThereIsOne) {
  World world;
  for (int i = 0; i < 100; ++i) {
    const double when = 110 + i * 0.1;
    PlacedObservation out = world.placed(static_cast<std::uint64_t>(i) + 1, "a:1", "r:1", when);
    if (i >= 20) out.sender.endpoint = 7;
    world.matcher.observe(out);
    world.hear(static_cast<std::uint64_t>(i) + 1, "r:2", "b:1", when + 0.05);
  }
  world.settle();
  const auto views = world.matcher.coverage();
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].source.endpoint, 0U);
  EXPECT_EQ(views[0].speech_seconds, 2U);
  EXPECT_EQ(views[0].measured_seconds, 2U);
  EXPECT_EQ(views[1].source.endpoint, 7U);
  EXPECT_EQ(views[1].speech_seconds, 8U);
  EXPECT_EQ(views[1].measured_seconds, 8U);
}

}  // namespace
}  // namespace audio_latency
