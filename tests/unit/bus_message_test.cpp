// SPDX-License-Identifier: Apache-2.0
#include "bus_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "bus_message.pb.h"

namespace audio_latency {
namespace {

SocketAddress socket_address(const char* text) {
  return *SocketAddress::parse(text);
}

BusRecord record_of(std::mt19937_64& random, std::int64_t time) {
  BusRecord record;
  record.time_ns = time;
  record.signature = random();
  record.flow = 1 + static_cast<std::uint32_t>(random() % 300);
  record.packet = static_cast<std::uint32_t>(random());
  record.ip_id = static_cast<std::uint16_t>(random());
  record.domain = static_cast<Domain>(1 + random() % 4);
  record.ttl = static_cast<std::uint8_t>(random());
  record.learned = random() % 2 == 0;
  return record;
}

// A batch as a busy node sends it: 256 observations of RTP within 20 ms.
BusBatch busy_batch() {
  std::mt19937_64 random(3);
  BusBatch batch;
  batch.first = 1'000'000;
  batch.sent_ns = 1'800'000'000'000'000'000;
  batch.token = 123'456'789'000;
  batch.echoed_token = 223'456'789'000;
  batch.echoed_received_ns = batch.sent_ns - 20'000'000;
  batch.clock_uncertainty_ns = 40'000;
  std::int64_t time = batch.sent_ns - 25'000'000;
  for (std::size_t i = 0; i < kBusBatchRecords; ++i) {
    time += static_cast<std::int64_t>(random() % 200'000) - 20'000;  // CPUs interleave: not always in order
    batch.records.push_back(record_of(random, time));
  }
  return batch;
}

BusMessage decoded(const std::string& bytes, BusRefusal expected = BusRefusal::none) {
  BusMessage message;
  EXPECT_EQ(decode(bytes, message), expected);
  return message;
}

TEST(BusMessage, ABatchComesThroughUnchanged) {
  BusBatch batch = busy_batch();
  batch.node = "node-1";
  batch.clock_set = 4;
  batch.hurry = true;
  batch.define_again = true;
  batch.endpoints = {{7, true, {EndpointKind::pod, "relay-0", "voice", "relay", "node-1", "3f2a"}}};
  batch.flows = {
      {1,
       {{socket_address("10.0.0.1:5004"), socket_address("10.0.0.2:5006"), 17}, 4, AL_EGRESS, AL_IDENTITY_RTP},
       7,
       0},
      {2,
       {{socket_address("[2001:db8::1]:80"), socket_address("[2001:db8::2]:81"), 6},
        5,
        AL_INGRESS,
        AL_IDENTITY_TCP,
        true},
       0,
       7}};
  batch.behind = {1, 300, kBusHighestNumber};
  const BusMessage message = decoded(encode({42, batch}));
  EXPECT_EQ(message.sender, 42U);
  const auto& got = std::get<BusBatch>(message.content);
  EXPECT_EQ(got.node, batch.node);
  EXPECT_EQ(got.first, batch.first);
  EXPECT_EQ(got.sent_ns, batch.sent_ns);
  EXPECT_EQ(got.token, batch.token);
  EXPECT_EQ(got.echoed_token, batch.echoed_token);
  EXPECT_EQ(got.echoed_received_ns, batch.echoed_received_ns);
  EXPECT_EQ(got.clock_uncertainty_ns, batch.clock_uncertainty_ns);
  EXPECT_EQ(got.clock_set, 4U);
  EXPECT_TRUE(got.hurry);
  EXPECT_TRUE(got.define_again);
  EXPECT_EQ(got.records, batch.records);
  EXPECT_EQ(got.behind, batch.behind);
  ASSERT_EQ(got.flows.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(got.flows[i].number, batch.flows[i].number);
    EXPECT_EQ(got.flows[i].view, batch.flows[i].view);
    EXPECT_EQ(got.flows[i].sender, batch.flows[i].sender);
    EXPECT_EQ(got.flows[i].receiver, batch.flows[i].receiver);
  }
  ASSERT_EQ(got.endpoints.size(), 1U);
  EXPECT_TRUE(got.endpoints[0].local);
  EXPECT_EQ(got.endpoints[0].endpoint.name, "relay-0");
  EXPECT_EQ(got.endpoints[0].endpoint.kind, EndpointKind::pod);
  EXPECT_EQ(got.endpoints[0].endpoint.uid, "3f2a");
}

TEST(BusMessage, AHeartbeatComesThroughUnchanged) {
  const BusMessage message = decoded(encode({43, BusHeartbeat{"node-2", true, 99'000, 3}}));
  EXPECT_EQ(message.sender, 43U);
  EXPECT_EQ(std::get<BusHeartbeat>(message.content).node, "node-2");
  EXPECT_TRUE(std::get<BusHeartbeat>(message.content).leaving);
  EXPECT_EQ(std::get<BusHeartbeat>(message.content).load, 99'000U);
  EXPECT_EQ(std::get<BusHeartbeat>(message.content).owners, 3U);
}

TEST(BusMessage, AnObservationTakesAtMost64Bytes) {
  const double each = static_cast<double>(encode({42, busy_batch()}).size()) / kBusBatchRecords;
  RecordProperty("bytes_each", std::to_string(each));
  EXPECT_LE(each, 64);
  EXPECT_GE(each, 8);
}

TEST(BusMessage, AnotherVersionIsSkippedAsSuch) {
  bus::Message newer;
  newer.set_version(kBusVersion + 1);
  newer.set_sender(1);
  newer.mutable_heartbeat()->set_node("node-9");
  decoded(newer.SerializeAsString() + "\x9a\x06\x03new", BusRefusal::version);  // with a field that nobody knows yet
  newer.set_version(kBusVersion - 1);
  decoded(newer.SerializeAsString(), BusRefusal::version);
  newer.set_version(kBusVersion);
  decoded(newer.SerializeAsString() + "\x9a\x06\x03new");
}

TEST(BusMessage, RefusesWhatMakesNoSense) {
  decoded("", BusRefusal::malformed);
  decoded("\xff\xff\xff", BusRefusal::malformed);
  const auto refused = [](const std::function<void(bus::Message&)>& spoil) {
    bus::Message message;
    EXPECT_TRUE(message.ParseFromString(encode({42, busy_batch()})));
    spoil(message);
    decoded(message.SerializeAsString(), BusRefusal::malformed);
  };
  refused([](auto& message) { message.set_sender(0); });
  refused([](auto& message) { message.set_version(0); });
  refused([](auto& message) { message.clear_batch(); });
  refused([](auto& message) { message.mutable_batch()->add_signature(1); });     // columns of unequal length
  refused([](auto& message) { message.mutable_batch()->set_bits(0, 0x10); });    // no such domain
  refused([](auto& message) { message.mutable_batch()->set_bits(0, 0x1001); });  // more than 12 bits
  refused([](auto& message) { message.mutable_batch()->set_ip_id(3, 65536); });
  refused([](auto& message) { message.mutable_batch()->set_flow(3, 0); });
  refused([](auto& message) { message.mutable_batch()->set_flow(3, kBusHighestNumber + 1); });
  refused([](auto& message) { message.mutable_batch()->add_behind(0); });
  refused([](auto& message) { message.mutable_batch()->add_behind(kBusHighestNumber + 1); });
  refused([](auto& message) {
    for (std::size_t i = 0; i <= kBusMostDefinitions; ++i) message.mutable_batch()->add_behind(1);
  });
  refused([](auto& message) { message.mutable_batch()->set_node(std::string(300, 'n')); });
  refused([](auto& message) { message.mutable_batch()->add_flows()->set_number(1); });      // no addresses
  refused([](auto& message) { message.mutable_batch()->add_endpoints()->set_number(1); });  // no name
  refused([](auto& message) {
    for (std::size_t i = 0; i <= kBusMostDefinitions; ++i) message.mutable_batch()->add_flows();
  });
  bus::Message heartbeat;
  heartbeat.set_version(kBusVersion);
  heartbeat.set_sender(1);
  heartbeat.mutable_heartbeat()->set_node(std::string(300, 'n'));
  decoded(heartbeat.SerializeAsString(), BusRefusal::malformed);
}

}  // namespace
}  // namespace audio_latency
