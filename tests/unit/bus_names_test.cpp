// SPDX-License-Identifier: Apache-2.0
// What nodes tell each other of flows and names, over hours.
#include "bus_names.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "bus_flows.hpp"
#include "bus_inbox.hpp"
#include "identity_static.hpp"
#include "support/matcher_world.hpp"

namespace audio_latency {
namespace {

using testing::World;

constexpr EventTime kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 1'800'000'000'000'000'000;  // ns since 1970 when the inbox's clock began

BusEndpoint pod(std::uint32_t number, const std::string& name) {
  BusEndpoint told;
  told.number = number;
  told.local = true;
  told.endpoint = {EndpointKind::pod, name, "voice", name, "node", "uid-of-" + name};
  return told;
}

BusFlow flow(std::uint32_t number, std::uint32_t address, std::uint32_t sender) {
  BusFlow told;
  told.number = number;
  told.view.kind = AL_IDENTITY_RTP;
  told.view.key = {{IpAddress::from_ipv4(address), 5000}, {IpAddress::from_ipv4(0x0a010001), 6000}, 17};
  told.sender = sender;
  return told;
}

// One owner and what it is sent.
class Owner {
 public:
  void take(BusMember from, BusBatch batch) {
    std::uint64_t& next = next_.try_emplace(from, 1).first->second;
    batch.node = "node-" + std::to_string(from);
    batch.stream = 1;
    batch.first = next;
    next += batch.records.size();
    batch.sent_ns = kDay + static_cast<std::int64_t>(now_);
    batch.echoed_token = now_ - 100'000;
    batch.echoed_received_ns = batch.sent_ns - 50'000;
    for (BusRecord& record : batch.records) record.time_ns = batch.sent_ns - 1'000'000;
    inbox_.take(from, batch, now_, {now_, kDay, 0});
  }
  void speak(BusMember from, std::uint32_t flow) {
    BusBatch batch;
    batch.records.resize(1);
    batch.records[0].signature = ++signatures_;
    batch.records[0].flow = flow;
    take(from, batch);
  }
  void pass(EventTime time) {
    now_ += time;
    inbox_.age(now_);
    names_.age(now_);
  }
  std::string last_sender() const {
    const Endpoint* const named = names_.endpoint(last_.sender.endpoint);
    return named == nullptr ? "" : named->name;
  }

 private:
  StaticResolver own_;
  BusNames names_{own_};
  PlacedObservation last_;
  BusInbox inbox_{{false, 10 * kSecond, 1000},
                  names_,
                  {[this](const PlacedObservation& seen) { last_ = seen; }, [](std::uint32_t, std::uint64_t) {},
                   [](const FlowKey&, std::uint32_t) { return false; }}};
  EventTime now_ = World::at(1000);
  std::map<BusMember, std::uint64_t> next_;
  std::uint64_t signatures_ = 0;
};

// A peer tells a name once: however long the pod is silent, nobody else's name takes its place.
TEST(BusNames, ANameOutlastsTheSilenceOfItsPod) {
  Owner owner;
  BusBatch told;
  told.endpoints = {pod(1, "asr"), pod(2, "other")};
  told.flows = {flow(1, 0x0a000001, 1), flow(2, 0x0a000002, 2)};
  owner.take(1, told);
  owner.pass(2 * kSecond);
  owner.speak(1, 1);
  ASSERT_EQ(owner.last_sender(), "asr");
  for (int minute = 0; minute < 3 * 60 * 6; ++minute) {
    owner.pass(10 * kSecond);
    owner.speak(1, 2);
  }
  told.endpoints = {pod(1, "batch-job")};
  told.flows = {flow(1, 0x0a000009, 1)};
  owner.take(2, told);
  owner.pass(2 * kSecond);
  owner.speak(1, 1);
  EXPECT_EQ(owner.last_sender(), "asr");
  owner.speak(2, 1);
  EXPECT_EQ(owner.last_sender(), "batch-job");
}

// Names anything by its number.
class Everybody : public IdentityResolver {
 public:
  PlacedObservation place(const Observation& observation) override { return {observation, {}, {}}; }
  const Endpoint* endpoint(EndpointId id) const override {
    Endpoint& named = named_[id];
    named.name = "pod-" + std::to_string(id);
    return &named;
  }

 private:
  mutable std::map<EndpointId, Endpoint> named_;
};

// Peers keep what they were told: numbers go to flows and endpoints anew as soon as they are free.
TEST(BusFlows, NumbersAreNoMoreThanAreInUse) {
  constexpr EventTime life = 30 * kSecond;
  Everybody names;
  BusFlows flows(names, "node-1", 10'000, life);
  World world;
  std::uint32_t highest = 0;
  std::uint32_t highest_endpoint = 0;
  for (std::uint32_t call = 1; call <= 5'000; ++call) {  // two each second, of a pod of its own each
    PlacedObservation seen = world.placed(call, "a:1", "b:1", 110 + call * 0.5);
    seen.observation.flow.source.port = static_cast<std::uint16_t>(call);
    seen.sender = {call, call};
    const std::uint32_t number = flows.number_of(seen);
    const std::uint32_t endpoint = flows[number].sender_number;
    ASSERT_EQ(flows.endpoint(endpoint).told.endpoint.name, "pod-" + std::to_string(call));
    highest = std::max(highest, number);
    highest_endpoint = std::max(highest_endpoint, endpoint);
  }
  EXPECT_LE(highest, 64U);
  EXPECT_LE(highest_endpoint, 64U);
}

// A name that is too long is cut between characters.
TEST(BusFlows, LongNamesStayUtf8) {
  class Long : public IdentityResolver {
   public:
    PlacedObservation place(const Observation& observation) override { return {observation, {}, {}}; }
    const Endpoint* endpoint(EndpointId) const override { return &named_; }

   private:
    static std::string letters() {
      std::string text;
      for (int i = 0; i < 200; ++i) text += "\xc3\xa9";
      return text;
    }
    Endpoint named_{EndpointKind::pod, letters(), "", "", "", ""};
  } names;
  BusFlows flows(names, "node-1", 10, kSecond);
  World world;
  PlacedObservation seen = world.placed(1, "a:1", "b:1", 110);
  seen.sender = {1, 1};
  BusMessage message;
  message.sender = 1;
  BusBatch batch;
  batch.stream = batch.first = 1;
  batch.endpoints = {flows.endpoint(flows[flows.number_of(seen)].sender_number).told};
  batch.records.resize(1);
  batch.records[0].flow = 1;
  message.content = batch;
  BusMessage read;
  EXPECT_EQ(decode(encode(message), read), BusRefusal::none);
}

}  // namespace
}  // namespace audio_latency
