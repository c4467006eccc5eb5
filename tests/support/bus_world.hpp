// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bus.hpp"
#include "support/matcher_world.hpp"

namespace audio_latency::testing {

// A bus without a network: what one member sends lies in the other's box at once, through the real encoding.
class Hub {
 public:
  struct Box {
    std::vector<BusArrival> arrivals;
    bool connected = true;
    bool stalled = false;  // connected, but nothing gets through
    std::uint64_t observations_to_lose = 0;
  };
  std::map<BusMember, Box> boxes;
  EventTime now = 0;
  std::size_t bytes = 0;

  void deliver(BusMember from, BusMember to, BusMessage message) {
    const bool passes = boxes[from].connected && !boxes[from].stalled && boxes.contains(to) && boxes[to].connected &&
                        !boxes[to].stalled;
    if (!passes) return;
    if (auto* batch = std::get_if<BusBatch>(&message.content)) stamp(*batch, now);
    const std::string wire = encode(message);
    bytes += wire.size();
    BusArrival arrival;
    arrival.received = now;
    if (decode(wire, arrival.message) == BusRefusal::none) boxes[to].arrivals.push_back(std::move(arrival));
  }
};

class HubTransport : public BusTransport {
 public:
  HubTransport(Hub& hub, BusMember self) : hub_(hub), self_(self) { hub_.boxes[self]; }
  ~HubTransport() override { hub_.boxes.erase(self_); }

  bool send(BusMember to, BusBatch batch) override {
    if (full) return false;
    ++messages;
    if (!answers) batch.echoed_token = 0;
    if (lose > 0) {
      --lose;
      return true;
    }
    hub_.deliver(self_, to, {self_, std::move(batch)});
    return true;
  }
  void announce(const BusHeartbeat& heartbeat) override {
    for (const auto& [member, box] : std::map<BusMember, Hub::Box>(hub_.boxes)) {
      hub_.deliver(self_, member, {self_, heartbeat});
    }
  }
  void probe() override { hub_.deliver(self_, self_, {self_, BusHeartbeat{}}); }
  int fd() const override { return -1; }
  void receive(std::vector<BusArrival>& arrivals) override { arrivals.swap(hub_.boxes[self_].arrivals); }
  bool connected() const override { return hub_.boxes[self_].connected; }
  std::string problem() const override { return connected() ? "" : "The hub is unplugged."; }
  BusTransportStats stats() const override { return {}; }

  bool full = false;
  bool answers = true;  // what others ask to learn its clock
  int lose = 0;         // messages
  int messages = 0;

 private:
  Hub& hub_;
  BusMember self_;
};

// One node: its own matcher, names by address.
class Node : public World {
 public:
  Node(Hub& hub, BusMember self, bool correct_clocks = false, std::size_t owners = 16,
       const Options& options = settled())
      : World(options),
        transport(hub, self),
        bus({self, "node-" + std::to_string(self), owners, 10'000'000'000, 30'000'000'000, 1000, correct_clocks},
            transport, names,
            Bus::Matching{[this](const PlacedObservation& seen) { matcher.observe(seen); },
                          [this](std::uint32_t other, std::uint64_t ns) { matcher.set_clock_uncertainty(other, ns); },
                          [this](const FlowKey& flow, std::uint32_t other) { return matcher.is_behind(flow, other); }},
            [this](LogLevel, const char* event, const std::string&) { ++events[event]; }) {}

  static Options settled() {
    Options options;
    options.settle_ms = 300;
    return options;
  }

  void on_match(const Match& match) override {
    if (!match.learned) World::on_match(match);
  }

  void step(EventTime now) {
    bus.step(now);
    matcher.set_hearing(bus.hearing());
    matcher.advance(now);
  }

  void see(PlacedObservation seen) {
    if (bus.route(seen)) matcher.observe(seen);
  }

  std::map<std::string, int> events;  // how often each was logged
  StaticResolver own;
  BusNames names{own};
  HubTransport transport;
  Bus bus;
};

}  // namespace audio_latency::testing
