// SPDX-License-Identifier: Apache-2.0
// Several nodes, each with a bus and a matcher: together they record what one that sees everything would.
#include "bus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "identity_static.hpp"
#include "support/bus_world.hpp"

namespace audio_latency {
namespace {

using ::testing::HasSubstr;
using testing::Hub;
using ::testing::IsEmpty;
using testing::Node;
using testing::World;

// Latencies in ms by signature, source and dest.
using Recorded = std::multimap<std::tuple<std::uint64_t, std::string, std::string>, double>;

void add(Recorded& recorded, const std::vector<Match>& matches) {
  for (const Match& match : matches) {
    if (match.kind == MatchKind::network) continue;
    recorded.emplace(std::tuple(match.signature, match.source.to_string(), match.dest.to_string()),
                     static_cast<double>(match.latency_ns) * 1e-6);
  }
}

// Nodes 0 to 2 carry a call's source, relay and sink. Each hop is seen where it leaves and where it arrives, a
// millisecond later; a signature each 40 ms. Another call stays on node 1.
class Call {
 public:
  static constexpr double kStart = 103;
  explicit Call(std::size_t count) : nodes(count) {
    for (std::size_t i = 0; i < count; ++i) nodes[i] = std::make_unique<Node>(hub, ids()[i]);
    run_until(102.5);
  }

  static const std::vector<BusMember>& ids() {
    static const std::vector<BusMember> ids = {0x1111222233334444, 0x9999aaaabbbbcccc, 0xddddeeeeffff0001,
                                               0x5555666677778888};
    return ids;
  }

  // Lets time pass, in steps of a millisecond; calls `each` first.
  void run_until(double end, const std::function<void(double now)>& each = nullptr) {
    for (; now < end; now += 0.001) {
      hub.now_ns = static_cast<std::int64_t>(World::at(now)) + kTimeOfDay;
      for (auto& node : nodes) {
        if (node) node->bus.set_clock(kTimeOfDay, 0);
      }
      if (each) each(now);
      speak();
      for (auto& node : nodes) {
        if (!node) continue;
        node->step(World::at(now));
      }
    }
  }

  Recorded recorded() {
    for (auto& node : nodes) {
      if (!node) continue;
      node->settle();
      add(gone, node->matches);
      node->matches.clear();
    }
    return gone;
  }

  // What one matcher says that sees everything at once.
  Recorded truth() {
    World one;
    for (const auto& seen : all) one.matcher.observe(seen);
    one.settle();
    Recorded recorded;
    add(recorded, one.matches);
    return recorded;
  }

  // Latencies from one name to another that a node has recorded.
  std::size_t count(std::size_t node, const char* from, const char* to) {
    const FlowKey flow = addresses.placed(1, from, to, now).observation.flow;
    const auto& matches = nodes[node]->matches;
    return static_cast<std::size_t>(std::count_if(matches.begin(), matches.end(), [&](const Match& match) {
      return match.kind == MatchKind::latency && match.source == flow.source && match.dest == flow.destination;
    }));
  }

  void kill(std::size_t i) {
    add(gone, nodes[i]->matches);
    hub.boxes[ids()[i]].connected = false;  // it says no good-bye
    nodes[i].reset();
  }

  Hub hub;
  std::vector<std::unique_ptr<Node>> nodes;
  double now = 100.5;
  double speech_end = 120;
  Recorded gone;
  std::vector<PlacedObservation> all;
  World addresses;  // of the names

 private:
  static constexpr std::int64_t kTimeOfDay = 1'800'000'000'000'000'000;

  void see(std::size_t node, std::uint64_t signature, const char* from, const char* to, std::uint32_t packet) {
    if (node >= nodes.size() || !nodes[node]) return;
    PlacedObservation seen = addresses.placed(signature, from, to, now, {packet, 1, 64, 0});
    seen = nodes[node]->own.place(seen.observation);
    nodes[node]->see(seen);
    seen.observation.point.node = static_cast<std::uint32_t>(node + 1);
    all.push_back(seen);
  }

  void speak() {
    const auto tick = static_cast<int>(std::lround((now - kStart) * 1000));
    const auto emit = [&](int at, std::size_t node, const char* from, const char* to, std::uint64_t sound = 0) {
      if (at < 0 || at % 40 != 0 || at > std::lround((speech_end - kStart) * 1000)) return;
      const auto number = static_cast<std::uint64_t>(at / 40);
      see(node, (number + 1 + sound) * 0x9e3779b97f4a7c15, from, to, static_cast<std::uint32_t>(number + 1));
    };
    emit(tick, 0, "a:1", "relay:1");
    emit(tick - 1, 1, "a:1", "relay:1");
    emit(tick - 700, 1, "relay:2", "sink:1");
    emit(tick - 701, 2, "relay:2", "sink:1");
    emit(tick - 7, 1, "b:1", "mixer:1", 1'000'000);
    emit(tick - 307, 1, "mixer:2", "c:1", 1'000'000);
  }
};

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
  call.run_until(122);
  const Recorded truth = call.truth();
  const Recorded recorded = call.recorded();
  EXPECT_TRUE(once_each(recorded));
  EXPECT_EQ(share(recorded, truth), recorded.size());
  EXPECT_GE(recorded.size() + 4, truth.size());
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
