// SPDX-License-Identifier: Apache-2.0
#include "replay_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace audio_latency {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// One named endpoint, number 1.
class OneName : public IdentityResolver {
 public:
  PlacedObservation place(const Observation& seen) override { return {seen, {}, {}}; }
  const Endpoint* endpoint(EndpointId id) const override { return id == 1 ? &relay_ : nullptr; }

 private:
  Endpoint relay_ = {
      .kind = EndpointKind::static_name, .name = "relay", .namespace_name = "media", .workload = {}, .uid = {}};
};

Match match_of(MatchKind kind, std::int64_t latency_ns) {
  Match match;
  match.kind = kind;
  match.source = *SocketAddress::parse("10.0.0.1:5000");
  match.dest = *SocketAddress::parse("10.0.0.3:5004");
  match.latency_ns = latency_ns;
  return match;
}

TEST(Percentile, IsTheNearestRank) {
  std::vector<std::int64_t> hundred(100);
  for (std::size_t i = 0; i < hundred.size(); ++i) hundred[i] = static_cast<std::int64_t>(i + 1);
  EXPECT_EQ(percentile(hundred, 0.5), 50);
  EXPECT_EQ(percentile(hundred, 0.99), 99);
  EXPECT_EQ(percentile(hundred, 1), 100);
  EXPECT_EQ(percentile({7}, 0), 7);
  EXPECT_EQ(percentile({7}, 0.5), 7);
}

TEST(ReplayTable, PrintsARowForEachPair) {
  const OneName names;
  ReplayTable table(names);
  for (const std::int64_t latency : {3'000'000, 1'000'000, 2'500'000}) {
    table.on_match(match_of(MatchKind::latency, latency));
  }
  Match stage = match_of(MatchKind::stage, 270'000'000);
  stage.dest_place.endpoint = 1;
  table.on_match(stage);
  const std::string text = table.to_string();
  EXPECT_THAT(text, HasSubstr("latency  10.0.0.1:5000 10.0.0.3:5004        3      2.500      3.000      3.000"));
  EXPECT_THAT(text, HasSubstr("stage    10.0.0.1:5000 media/relay          1    270.000"));
}

TEST(ReplayTable, SaysThatNothingWasMeasured) {
  const OneName names;
  const std::string text = ReplayTable(names).to_string();
  EXPECT_EQ(text, "No latency was measured.\n");
  EXPECT_THAT(text, Not(HasSubstr("kind")));
}

}  // namespace
}  // namespace audio_latency
