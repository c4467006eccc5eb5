// SPDX-License-Identifier: Apache-2.0
// One domain per link (matching.md): what several domains match is recorded once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::IsEmpty;
using testing::kStart;
using ::testing::SizeIs;
using testing::World;

// A window each 32 ms (`every`) from `start` on, passed on 200 ms later, in one domain on both flows.
struct Sound {
  Domain domain = Domain::verbatim;
  double start = 110;
  double seconds = 10;
  double every = 0.032;
};

void relay(World& world, const std::vector<Sound>& sounds) {
  std::multimap<double, std::function<void()>> events;
  for (const Sound& sound : sounds) {
    for (int i = 0; i * sound.every < sound.seconds; ++i) {
      const double when = sound.start + i * sound.every;
      const auto signature = static_cast<std::uint64_t>(std::llround(when * 1000));
      const testing::Sighting how{.domain = sound.domain};
      events.emplace(when, [=, &world] { world.hear(signature, "caller:1", "relay:1", when, how); });
      events.emplace(when + 0.2, [=, &world] { world.hear(signature, "relay:2", "sink:1", when + 0.2, how); });
    }
  }
  for (auto& [when, event] : events) event();
  world.matcher.advance(World::at(events.rbegin()->first + 0.5));
}

std::size_t latencies_in(const World& world, Domain domain) {
  return static_cast<std::size_t>(std::count_if(world.matches.begin(), world.matches.end(), [&](const Match& match) {
    return match.domain == domain && match.kind == MatchKind::latency;
  }));
}

TEST(MatcherDomain, VerbatimRecordsWhereBothSurvive) {
  World alone;
  relay(alone, {{Domain::verbatim}});
  World both;
  relay(both, {{Domain::verbatim}, {Domain::mu_law, 109.99}});
  EXPECT_EQ(latencies_in(both, Domain::mu_law), 0);
  EXPECT_EQ(latencies_in(both, Domain::verbatim), latencies_in(alone, Domain::verbatim));
  EXPECT_THAT(both.matches, SizeIs(alone.matches.size()));
  EXPECT_EQ(both.stats().active_links, 1);
  EXPECT_THAT(both.matcher.links(), SizeIs(1));
}

// A flow that was running before tracking began is held back; the coarser domain's next vote comes first.
TEST(MatcherDomain, VerbatimRecordsWhereBothWereHeldBack) {
  World world;
  relay(world, {{Domain::verbatim, kStart + 0.5, 12}, {Domain::mu_law, kStart + 0.499999, 12}});
  EXPECT_EQ(latencies_in(world, Domain::mu_law), 0);
  EXPECT_EQ(latencies_in(world, Domain::verbatim), 375);
}

TEST(MatcherDomain, CoarserDomainRecordsAllWhereOnlyItSurvives) {
  World world;
  relay(world, {{Domain::mu_law}});
  EXPECT_EQ(latencies_in(world, Domain::mu_law), 313);
  EXPECT_THAT(world.matches, Each(Field(&Match::latency_ns, 200'000'000)));
}

TEST(MatcherDomain, CoarserDomainGoesOnWhereItRecordedFirst) {
  World world;
  relay(world, {{Domain::mu_law, 110, 20}, {Domain::verbatim, 120.01, 10}});
  EXPECT_EQ(latencies_in(world, Domain::mu_law), 625);
  EXPECT_EQ(latencies_in(world, Domain::verbatim), 0);
}

TEST(MatcherDomain, CoarserDomainTakesOverWhereTheFinerOneEnds) {
  World world;
  relay(world, {{Domain::mu_law, 110, 30}, {Domain::verbatim, 110.01, 10}});
  EXPECT_EQ(latencies_in(world, Domain::verbatim), 313);
  // About two and a half seconds after the last verbatim match, at 120.2 s: its pace has fallen to less than half.
  EXPECT_GT(latencies_in(world, Domain::mu_law), 530U);
  EXPECT_LT(latencies_in(world, Domain::mu_law), 580U);
}

// As mu-law through A-law: now and then a window survives, while the A-law domain recognises every one.
TEST(MatcherDomain, DomainThatSurvivesTakesOverFromOneThatHalfDoes) {
  World world;
  relay(world, {{Domain::mu_law, 110, 30, 0.5}, {Domain::a_law, 111.01, 29}});
  EXPECT_LT(latencies_in(world, Domain::mu_law), 8U);
  EXPECT_GT(latencies_in(world, Domain::a_law), 880U);
}

// Paces that cross again and again: the second to speak goes on, and does not share the sound with the first by turns.
TEST(MatcherDomain, DomainsDoNotSpeakByTurns) {
  World world;
  std::vector<Sound> sounds{{Domain::a_law, 111.01, 60}};
  for (int i = 0; i < 6; ++i) {
    sounds.push_back({Domain::mu_law, 110.0 + 10 * i, 5, 0.04});
    sounds.push_back({Domain::mu_law, 115.0 + 10 * i, 5, 0.5});
  }
  relay(world, sounds);
  int turns = 0;
  for (std::size_t i = 1; i < world.matches.size(); ++i)
    turns += world.matches[i].domain != world.matches[i - 1].domain ? 1 : 0;
  EXPECT_GT(latencies_in(world, Domain::a_law), 1'500U);
  EXPECT_LE(turns, 1);
}

// Three domains, none of which is far ahead of the next one: one of them records, not none.
TEST(MatcherDomain, OneOfThreeAlwaysRecords) {
  World world;
  relay(world,
        {{Domain::verbatim, 110, 30, 0.1}, {Domain::mu_law, 110.001, 30, 0.06}, {Domain::a_law, 110.002, 30, 0.033}});
  EXPECT_GT(world.matches.size(), 290U);
}

TEST(MatcherDomain, VotesThatWaitAtTheEndAreRecordedOnce) {
  World world;
  relay(world, {{Domain::verbatim, 110.005, 0.5}, {Domain::mu_law, 110, 0.5}, {Domain::a_law, 110.01, 0.5}});
  world.settle();
  EXPECT_EQ(latencies_in(world, Domain::verbatim), 16);
  EXPECT_THAT(world.matches, Each(Field(&Match::domain, Domain::verbatim)));
}

TEST(MatcherDomain, OneSignatureInTwoDomainsIsTwoWindows) {
  World world;
  for (int i = 0; i < 10; ++i) {
    world.hear(7U + static_cast<unsigned>(i), "caller:1", "relay:1", 110 + i * 0.1);
    world.hear(7U + static_cast<unsigned>(i), "relay:2", "sink:1", 110.05 + i * 0.1, {.domain = Domain::mu_law});
  }
  world.settle();
  EXPECT_THAT(world.matches, IsEmpty());
}

}  // namespace
}  // namespace audio_latency
