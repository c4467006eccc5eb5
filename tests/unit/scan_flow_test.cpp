// SPDX-License-Identifier: Apache-2.0
// Runs over packet borders, selectivity by content, and the bounds of the scanner's flow table.
#include <gtest/gtest.h>

#include <random>

#include "support/scanning.hpp"

namespace audio_latency::test {
namespace {

// Offsets in the uncut stream of what a scanner found in the pieces of a stream.
std::vector<Selected> in_stream(const Collector& sink, std::uint32_t first_sequence) {
  std::vector<Selected> all;
  for (const Observation& one : sink.seen)
    all.push_back({one.packet.stream_id - first_sequence, one.leading_zeros, one.signature});
  return all;
}

TEST(Carry, AnyCutOfATcpStreamGivesTheWindowsOfTheUncutStream) {
  const std::uint32_t start = 0xfffff800;  // the sequence number wraps within the stream
  const auto ports = all_ports();
  for (std::uint8_t window : {16, 32, 64}) {
    const al_settings settings = oracle_settings(AL_XXHASH, window, 8);
    for (unsigned seed = 0; seed < 40; ++seed) {
      std::mt19937 random(seed);
      const Bytes stream = random_bytes(6000, seed + 10);
      PacketScanner scanner(settings, *ports);
      Collector sink;
      for (std::size_t at = 0; at < stream.size();) {
        const std::size_t longest = seed % 4 == 0 ? 3 : seed % 4 == 1 ? 70 : 1460;
        const std::size_t length = std::min<std::size_t>(1 + random() % longest, stream.size() - at);
        const Bytes piece(stream.begin() + static_cast<long>(at), stream.begin() + static_cast<long>(at + length));
        scanner.scan(captured(Packet()
                                  .ethernet()
                                  .ipv4()
                                  .tcp(1000, 2000, start + static_cast<std::uint32_t>(at))
                                  .payload(piece)
                                  .build()),
                     sink);
        at += length;
      }
      EXPECT_EQ(in_stream(sink, start), select_verbatim(stream, settings)) << "window " << int{window} << " " << seed;
    }
  }
}

TEST(Carry, RtpRunsGoFromPayloadToPayload) {
  const al_settings settings = oracle_settings();
  const Bytes audio = random_bytes(160 * 100, 5);
  PacketScanner scanner(settings, *all_ports(AL_FORMAT_RTP));
  Collector sink;
  std::vector<Selected> found;
  for (std::uint16_t number = 0; number < 100; ++number) {
    RtpFields rtp;
    rtp.sequence = static_cast<std::uint16_t>(65500 + number);
    rtp.csrc = number % 3;
    rtp.extension_words = number % 4 - 1;
    rtp.padding = static_cast<std::uint8_t>(number % 5);
    const auto from = audio.begin() + 160 * number;
    scanner.scan(captured(Packet().ethernet().ipv4().udp(1, 2).rtp(rtp).payload({from, from + 160}).build()), sink);
    const std::uint32_t header = 12 + 4 * (number % 3) + (number % 4 == 0 ? 0 : 4 + 4 * (number % 4 - 1));
    for (const Observation& one : sink.seen) {
      EXPECT_EQ(one.packet.rtp_sequence, rtp.sequence);
      found.push_back({one.packet.offset - header + 160U * number, one.leading_zeros, one.signature});
    }
    sink.seen.clear();
  }
  EXPECT_EQ(found, select_verbatim(audio, settings));
}

TEST(Carry, AGapEndsTheRunAndALatePacketDoesNot) {
  const al_settings settings = oracle_settings();
  const Bytes stream = random_bytes(3000, 77);
  const auto piece = [&](std::size_t from, std::size_t to) {
    return Packet()
        .ethernet()
        .ipv4()
        .tcp(1, 2, static_cast<std::uint32_t>(from))
        .payload({stream.begin() + static_cast<long>(from), stream.begin() + static_cast<long>(to)})
        .build();
  };
  PacketScanner scanner(settings, *all_ports());
  Collector sink;
  scanner.scan(captured(piece(0, 1000)), sink);
  scanner.scan(captured(piece(0, 1000)), sink);  // retransmitted: the same windows, the run stays
  const std::size_t doubled = sink.seen.size();
  scanner.scan(captured(piece(900, 2000)), sink);  // overlaps
  Collector expected;
  const auto whole = select_verbatim({stream.begin(), stream.begin() + 2000}, settings);
  const auto first = select_verbatim({stream.begin(), stream.begin() + 1000}, settings);
  ASSERT_EQ(doubled, 2 * first.size());
  auto found = in_stream(sink, 0);
  found.erase(found.begin(), found.begin() + static_cast<long>(first.size()));
  EXPECT_EQ(found, whole);
  sink.seen.clear();
  scanner.scan(captured(piece(2010, 3000)), sink);  // ten bytes are missing
  auto alone = select_verbatim({stream.begin() + 2010, stream.end()}, settings);
  for (Selected& one : alone) one.offset += 2010;
  EXPECT_EQ(in_stream(sink, 0), alone);
}

TEST(Selectivity, RisesAndFallsWithWhatTheContentSelects) {
  const al_settings settings = oracle_settings();
  PacketScanner scanner(settings, *all_ports());
  Collector sink;
  std::uint32_t sequence = 0;
  std::uint32_t least = 0;
  // 40 packets of 1,024 bytes a second select 160 windows a second at k = 8, 40 at k = 10.
  const auto second = [&](int packets, std::uint64_t number) {
    sink.seen.clear();
    for (int at = 0; at < packets; ++at) {
      const Bytes bytes = Packet()
                              .ethernet()
                              .ipv4()
                              .tcp(1, 2, sequence)
                              .payload(random_bytes(1024, 1000 * number + static_cast<std::uint64_t>(at)))
                              .build();
      scanner.scan(captured(bytes, 1'000'000'000 * number +
                                       1'000'000'000ULL * static_cast<unsigned>(at) / static_cast<unsigned>(packets)),
                   sink);
      sequence += 1024;
    }
    least = 64;
    for (const Observation& one : sink.seen) least = std::min<std::uint32_t>(least, one.leading_zeros);
  };
  for (std::uint64_t number = 1; number < 6; ++number) second(40, number);
  EXPECT_EQ(least, 10U);
  for (std::uint64_t number = 6; number < 12; ++number) second(4, number);
  EXPECT_EQ(least, 8U);
}

TEST(Scanner, StatelessModeIgnoresFlowsAndWatchesTheSamePorts) {
  const al_settings settings = oracle_settings();
  const al_port_table none{};
  Collector sink;
  const Bytes packet = Packet().ethernet().ipv4().tcp(1, 2, 0).payload(known_input()).build();
  PacketScanner unwatched(settings, none);
  unwatched.set_stateless(true);
  unwatched.scan(captured(packet), sink);
  EXPECT_TRUE(sink.seen.empty());
  EXPECT_EQ(unwatched.counters().packets[AL_PORT], 1U);
  PacketScanner scanner(settings, *all_ports());
  scanner.set_stateless(true);
  scanner.scan(captured(packet), sink);
  scanner.scan(captured(packet), sink);
  EXPECT_EQ(sink.seen.size(), 32U);
  EXPECT_EQ(scanner.flows(), 0U);
}

TEST(Scanner, StatelessModeScansHeadersAndPaddingAsBytesAndTheAudioBetweenAsSamples) {
  const al_settings settings = oracle_settings();
  const Bytes audio = random_bytes(1200, 8);
  Bytes padding = random_bytes(240, 13);
  padding.back() = 240;
  Bytes payload(12 + audio.size() + padding.size());
  payload[0] = 0xa0;  // RTP, padded, PCMU
  std::copy(audio.begin(), audio.end(), payload.begin() + 12);
  std::copy(padding.begin(), padding.end(), payload.end() - 240);
  const auto ports = all_ports(AL_FORMAT_RTP);
  ports->codec[0] = AL_CODEC_PCMU;
  PacketScanner scanner(settings, *ports);
  scanner.set_stateless(true);
  Collector sink;
  scanner.scan(captured(Packet().ethernet().ipv4().udp(1, 2).payload(payload).build()), sink);
  auto expected = select_verbatim(payload, settings);
  EXPECT_GE(expected.back().offset, 12 + 1200U);
  const auto samples = select_companded(audio, AL_CODEC_PCMU, AL_DOMAIN_MU_LAW, settings);
  expected.insert(expected.end(), samples.begin(), samples.end());
  EXPECT_EQ(sink.selected(), expected);
}

TEST(Scanner, OneSenderHoldsAtMostATenthOfTheFlowTable) {
  al_settings settings = oracle_settings();
  settings.maximum_flows = 100;
  PacketScanner scanner(settings, *all_ports());
  Collector sink;
  const auto send = [&](const std::string& source, std::uint16_t port, EventTime time) {
    CapturedPacket packet = captured({}, time);
    const Bytes bytes =
        Packet().ethernet().ipv4({.source = source}).tcp(port, 2, 0).payload(random_bytes(100, port)).build();
    packet.bytes = bytes;
    packet.wire_length = static_cast<std::uint32_t>(bytes.size());
    packet.uplink = true;
    scanner.scan(packet, sink);
  };
  for (std::uint16_t port = 1; port <= 50; ++port) send("10.0.0.9", port, 1);
  EXPECT_EQ(scanner.flows(), 10U);
  EXPECT_EQ(scanner.counters().trouble[AL_TROUBLE_FLOW_QUOTA], 40U);
  send("10.0.0.8", 1, 100);
  EXPECT_EQ(scanner.flows(), 11U);
  scanner.age(100, 50);
  EXPECT_EQ(scanner.flows(), 1U);
  send("10.0.0.9", 60, 101);
  EXPECT_EQ(scanner.flows(), 2U);
}

struct Nobody : PayloadSink {
  void on_payload(const Payload&) override {}
};

// Short connections make room.
TEST(Scanner, FlowsWithoutSoundMakeRoomForOthers) {
  constexpr EventTime second = 1'000'000'000;
  al_settings settings = oracle_settings();
  settings.maximum_flows = 100;
  PacketScanner scanner(settings, *all_ports(AL_FORMAT_AUTO));
  Nobody nobody;
  scanner.set_payload_sink(&nobody);
  Collector sink;
  for (std::uint16_t port = 1; port <= 80; ++port) {
    CapturedPacket packet = captured({}, port * 1000U);
    const Bytes bytes = Packet().ethernet().ipv4().tcp(port, 2, 0).payload(random_bytes(100, port)).build();
    packet.bytes = bytes;
    packet.wire_length = static_cast<std::uint32_t>(bytes.size());
    packet.loopback = true;
    scanner.scan(packet, sink);
  }
  scanner.age(second / 2, 30 * second);
  EXPECT_EQ(scanner.flows(), 80U);
  scanner.age(2 * second, 30 * second);
  EXPECT_EQ(scanner.flows(), 50U);
  EXPECT_EQ(scanner.relieved_flows(), 30U);
}

}  // namespace
}  // namespace audio_latency::test
