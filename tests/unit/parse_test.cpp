// SPDX-License-Identifier: Apache-2.0
#include "audio_latency/wire/parse.h"

#include <gtest/gtest.h>

#include "capture_scanner.hpp"
#include "support/oracle.hpp"
#include "support/packet_matrix.hpp"

namespace audio_latency::test {
namespace {

struct Collector : ObservationSink {
  std::vector<Observation> seen;
  void on_observation(const Observation& observation) override { seen.push_back(observation); }
};

al_port_table watched() {
  al_port_table table{};
  for (auto& format : table.format) format = AL_FORMAT_RAW;
  table.format[9998] = table.format[9999] = AL_FORMAT_NONE;
  return table;
}

TEST(Parse, EveryWrappingGivesTheWindowsOfItsPayload) {
  const Bytes payload = random_bytes(600, 1);
  al_settings settings = oracle_settings();
  settings.minimum_payload = 80;
  const auto expected = select_verbatim(payload, settings);
  ASSERT_FALSE(expected.empty());
  for (const Case& one : packet_matrix(payload)) {
    PacketScanner scanner(settings, watched());
    Collector sink;
    CapturedPacket packet;
    packet.bytes = one.packet;
    packet.wire_length = static_cast<std::uint32_t>(one.packet.size());
    packet.ethernet = one.ethernet;
    packet.uplink = true;
    scanner.scan(packet, sink);
    EXPECT_EQ(scanner.counters().packets[one.verdict], 1U) << one.name;
    if (one.verdict != AL_SCANNED) {
      EXPECT_TRUE(sink.seen.empty()) << one.name;
      continue;
    }
    ASSERT_EQ(sink.seen.size(), expected.size()) << one.name;
    EXPECT_EQ(sink.seen[0].signature, expected[0].signature) << one.name;
    EXPECT_EQ(sink.seen[0].packet.offset, expected[0].offset) << one.name;
    EXPECT_EQ(sink.seen[0].flow.source.port, 1000) << one.name;
    EXPECT_EQ(sink.seen[0].tunnelled, one.tunnelled) << one.name;
  }
}

TEST(Parse, TunnelsAreOpenedOnUplinksOnly) {
  for (const Case& one : packet_matrix(random_bytes(600, 1))) {
    if (!one.tunnelled) continue;
    PacketScanner scanner(oracle_settings(), watched());
    Collector sink;
    CapturedPacket packet;
    packet.bytes = one.packet;
    packet.wire_length = static_cast<std::uint32_t>(one.packet.size());
    scanner.scan(packet, sink);
    for (const Observation& seen : sink.seen) EXPECT_EQ(seen.flow.source.port, 3333) << one.name;
  }
}

TEST(Parse, FieldsOfThePacket) {
  PacketScanner scanner(oracle_settings(), watched());
  Collector sink;
  Ipv4Fields ip;
  ip.source = "192.0.2.7";
  ip.id = 4242;
  ip.ttl = 17;
  const Bytes bytes = Packet().ethernet().ipv4(ip).tcp(1000, 2000, 77).payload(random_bytes(600, 1)).build();
  CapturedPacket packet;
  packet.bytes = bytes;
  packet.wire_length = static_cast<std::uint32_t>(bytes.size());
  packet.time = 99;
  packet.point = {3, 4, AL_EGRESS};
  scanner.scan(packet, sink);
  ASSERT_FALSE(sink.seen.empty());
  const Observation& seen = sink.seen[0];
  EXPECT_EQ(seen.flow.source.to_string(), "192.0.2.7:1000");
  EXPECT_EQ(seen.flow.destination.to_string(), "10.0.0.2:2000");
  EXPECT_EQ(seen.packet.kind, AL_IDENTITY_TCP);
  EXPECT_EQ(seen.packet.stream_id, 77 + seen.packet.offset);
  EXPECT_EQ(seen.packet.ip_id_or_label, 4242U);
  EXPECT_EQ(seen.packet.payload_length, 600U);
  EXPECT_EQ(seen.ttl, 17);
  EXPECT_EQ(seen.time, 99U);
  EXPECT_EQ(seen.point, (CapturePoint{3, 4, AL_EGRESS}));
}

}  // namespace
}  // namespace audio_latency::test
