// SPDX-License-Identifier: Apache-2.0
// Whose seconds of sound are counted.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "matcher_coverage.hpp"
#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using matching::Coverage;
using matching::FlowRecord;
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

// A pod that opens a connection for each call has one account, also when sockets without a name have used up theirs.
TEST(MatcherCoverage, NamedSendersHaveOneAccountEach) {
  Coverage coverage(3);
  for (std::uint16_t port = 1; port <= 10; ++port) {
    for (const EndpointId endpoint : {0U, 7U, 8U}) {
      FlowRecord flow;
      flow.key.source.port = port;
      flow.sender = {endpoint, endpoint};
      coverage.heard(flow, port * 1'000'000'000ULL);
    }
  }
  std::map<EndpointId, std::vector<std::uint64_t>> seconds;
  for (const CoverageView& view : coverage.views()) seconds[view.source.endpoint].push_back(view.speech_seconds);
  EXPECT_EQ(seconds[7], std::vector<std::uint64_t>{10});
  EXPECT_EQ(seconds[8], std::vector<std::uint64_t>{10});
  EXPECT_EQ(seconds[0], (std::vector<std::uint64_t>{1, 1, 1, 7}));
}

}  // namespace
}  // namespace audio_latency
