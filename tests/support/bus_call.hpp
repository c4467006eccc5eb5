// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <tuple>

#include "identity_static.hpp"
#include "support/bus_world.hpp"

namespace audio_latency::testing {

// Latencies in ms by signature, source and dest.
using Recorded = std::multimap<std::tuple<std::uint64_t, std::string, std::string>, double>;

inline void add(Recorded& recorded, const std::vector<Match>& matches) {
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
  // `shifts`: by how many ms each node's clock is ahead.
  explicit Call(std::size_t count, std::vector<std::int64_t> shifts = {}, bool correct_clocks = false,
                std::size_t owners = 16)
      : nodes(count), clock_shifts(std::move(shifts)) {
    clock_shifts.resize(count);
    for (std::size_t i = 0; i < count; ++i) nodes[i] = std::make_unique<Node>(hub, ids()[i], correct_clocks, owners);
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
      hub.now = World::at(now);
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (nodes[i]) nodes[i]->bus.set_clock(kTimeOfDay + clock_shifts[i] * 1'000'000, 0);
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
  std::vector<std::int64_t> clock_shifts;
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

}  // namespace audio_latency::testing
