// SPDX-License-Identifier: Apache-2.0
// Payload that waits in the queue gives what payload handed over at once gives.
#include "format_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/formats_under_test.hpp"

namespace audio_latency::test {
namespace {

// Packets of many flows, one of each in turn, as a ring buffer holds them.
std::vector<Payload> in_turn(const std::vector<LabelledFlow>& flows) {
  std::vector<Payload> packets;
  std::vector<std::uint32_t> sequences;
  for (const LabelledFlow& flow : flows) sequences.push_back(flow.first_sequence);
  for (std::size_t number = 0, before = 1; packets.size() != before; ++number) {
    before = packets.size();
    for (std::size_t i = 0; i < flows.size(); ++i) {
      if (number >= flows[i].packets.size()) continue;
      const auto& each = flows[i].packets[number];
      packets.push_back(segment(each.bytes, sequences[i], each.time));
      packets.back().flow.protocol = flows[i].protocol;
      packets.back().flow.source.port = static_cast<std::uint16_t>(1000 + i);
      sequences[i] += packets.back().length;
    }
  }
  return packets;
}

// Payload's bytes live as long as the call: they are written over behind it.
void hand_over(PayloadSink& sink, const Payload& packet) {
  Bytes bytes(packet.bytes.begin(), packet.bytes.end());
  Payload lent = packet;
  lent.bytes = bytes;
  sink.on_payload(lent);
  std::fill(bytes.begin(), bytes.end(), std::uint8_t{0x5a});
}

TEST(PayloadQueue, GivesTheSameObservationsInTheSameOrder) {
  const std::vector<LabelledFlow> flows = audio_flows(call(8), 8);
  const std::vector<Payload> packets = in_turn(flows);
  FormatsWorld direct;
  FormatsWorld queued;
  PayloadQueue queue(*queued.formats);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    hand_over(*direct.formats, packets[i]);
    hand_over(queue, packets[i]);
    if (i % 97 == 0) {  // as where a round of draining ends, and flows may be forgotten
      queue.flush();
      direct.formats->advance(packets[i].time);
      queued.formats->advance(packets[i].time);
    }
  }
  queue.flush();
  ASSERT_GT(direct.sink.seen.size(), 500U);
  ASSERT_EQ(queued.sink.seen.size(), direct.sink.seen.size());
  for (std::size_t i = 0; i < direct.sink.seen.size(); ++i) {
    const Observation& one = queued.sink.seen[i];
    const Observation& other = direct.sink.seen[i];
    ASSERT_EQ(one.signature, other.signature) << i;
    ASSERT_EQ(one.flow, other.flow) << i;
    ASSERT_EQ(one.packet, other.packet) << i;
    ASSERT_EQ(one.time, other.time) << i;
  }
  EXPECT_EQ(queued.treated.all.size(), direct.treated.all.size());
  EXPECT_EQ(queued.formats->stats().decoded_bytes, direct.formats->stats().decoded_bytes);
}

TEST(PayloadQueue, HoldsAFewBackUntilItIsFlushed) {
  const std::vector<Payload> packets = in_turn(audio_flows(call(9), 9));
  FormatsWorld world;
  PayloadQueue queue(*world.formats);
  for (std::size_t i = 0; i < Formats::kPrefetchSteps; ++i) hand_over(queue, packets[i]);
  EXPECT_TRUE(world.formats->flows().empty()) << "nothing has waited for its turn yet";
  queue.flush();
  EXPECT_EQ(world.formats->flows().size(), Formats::kPrefetchSteps);
  queue.flush();
  EXPECT_EQ(world.formats->flows().size(), Formats::kPrefetchSteps);
}

// What is far ahead may be forgotten, or be another flow's by then: only a hint depends on it.
TEST(PayloadQueue, SurvivesFlowsThatGo) {
  FormatsWorld world(64);
  PayloadQueue queue(*world.formats);
  const std::vector<LabelledFlow> flows = audio_flows(call(10), 10);
  const LabelledFlow& flow = flows.front();
  EventTime now = flow.packets.front().time;
  for (unsigned round = 0; round < 500; ++round) {
    Payload packet = segment(flow.packets[round % flow.packets.size()].bytes, round * 7919, now);
    packet.flow.source.port = static_cast<std::uint16_t>(1000 + round % 300);
    hand_over(queue, packet);
    if (round % 50 != 0) continue;
    queue.flush();
    now += 31'000'000'000;  // beyond FLOW_TIMEOUT_MS
    world.formats->advance(now);
    EXPECT_TRUE(world.formats->flows().empty());
  }
}

}  // namespace
}  // namespace audio_latency::test
