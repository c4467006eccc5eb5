// SPDX-License-Identifier: Apache-2.0
#include "capture_replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/frames.hpp"
#include "support/pcap_writer.hpp"
#include "support/replay_memory.hpp"

namespace audio_latency {
namespace {

using test::PcapWriter;
using test::replay_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr EventTime kTime = 1'700'000'000'000'000'000;
constexpr EventTime kSecond = 1'000'000'000;

struct Collected : ObservationSink {
  void on_observation(const Observation& observation) override { seen.push_back(observation); }
  std::vector<Observation> seen;
};

// The input of signature-spec's known answers: SplitMix64 (Steele et al., 2014) with seed 1.
std::string known_input() {
  std::string bytes;
  std::uint64_t state = 1;
  while (bytes.size() < 4096) {
    state += 0x9e3779b97f4a7c15;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    bytes.append(reinterpret_cast<const char*>(&z), sizeof z);
  }
  return bytes;
}

std::vector<Observation> drained(ReplayCapture& capture) {
  Collected collected;
  for (;;) {
    const auto more = capture.drain(collected);
    if (!more || !*more) return collected.seen;
  }
}

test::Frame speech_frame(const std::string& payload) {
  return {.source = test::address("10.0.0.1:5000"), .destination = test::address("10.0.0.2:5002"), .payload = payload};
}

TEST(ReplayCapture, GivesTheKnownAnswers) {
  PcapWriter writer;
  writer.add(kTime, test::ethernet(test::ip_packet(speech_frame(known_input()))));
  const auto seen = drained(*replay_of({writer.bytes()}));
  ASSERT_EQ(seen.size(), 16u);
  EXPECT_EQ(seen[0].packet.offset, 256u);
  EXPECT_EQ(seen[0].signature, 0x1c78e8dffcfe980a);
  EXPECT_EQ(seen[15].packet.offset, 3811u);
  EXPECT_EQ(seen[15].signature, 0x24767161a9ea8c03);
  EXPECT_EQ(seen[0].time, kTime);
  EXPECT_EQ(seen[0].flow, test::flow_of(speech_frame("")));
}

TEST(ReplayCapture, DecapsulatesTunnels) {
  const std::string inner = test::ethernet(test::ip_packet(speech_frame(known_input())));
  test::Frame outer{.source = test::address("192.0.2.1:40000"), .destination = test::address("192.0.2.2:4789")};
  PcapWriter vxlan;
  vxlan.add(kTime, test::ethernet(test::vxlan(outer, inner)));
  outer.destination = test::address("192.0.2.2:6081");
  PcapWriter geneve;
  geneve.add(kTime, test::ethernet(test::geneve(outer, inner)));
  for (const auto& file : {vxlan.bytes(), geneve.bytes()}) {
    const auto seen = drained(*replay_of({file}));
    ASSERT_EQ(seen.size(), 16u);
    EXPECT_TRUE(seen[0].tunnelled);
    EXPECT_EQ(seen[0].flow, test::flow_of(speech_frame("")));
  }
}

TEST(ReplayCapture, LeavesTunnelsOnLoopbackAlone) {
  const test::Frame outer{.source = test::address("127.0.0.1:40000"), .destination = test::address("127.0.0.1:4789")};
  PcapWriter writer({.link = test::kLinkNull});
  writer.add(kTime, test::null_link(test::vxlan(outer, test::ethernet(test::ip_packet(speech_frame(known_input()))))));
  for (const Observation& seen : drained(*replay_of({writer.bytes()}))) {
    EXPECT_FALSE(seen.tunnelled);
    EXPECT_EQ(seen.flow, test::flow_of(outer));
  }
}

TEST(ReplayCapture, MergesFilesByTime) {
  const std::string packet = test::ethernet(test::ip_packet(speech_frame(known_input())));
  PcapWriter first;
  first.add(kTime, packet);
  first.add(kTime + 2 * kSecond, packet);
  PcapWriter second;
  second.add(kTime + kSecond, packet);
  second.add(kTime + 3 * kSecond, packet);
  auto capture = replay_of({first.bytes(), second.bytes()});
  std::vector<std::pair<EventTime, std::uint32_t>> order;
  for (const Observation& seen : drained(*capture)) {
    const std::pair<EventTime, std::uint32_t> at = {(seen.time - kTime) / kSecond, seen.point.node};
    if (order.empty() || order.back() != at) order.push_back(at);
  }
  EXPECT_THAT(order, ElementsAre(std::pair(0, 0), std::pair(1, 1), std::pair(2, 0), std::pair(3, 1)));
  EXPECT_EQ(capture->now(), kTime + 3 * kSecond);
}

TEST(ReplayCapture, CountsByFile) {
  PcapWriter first;
  first.add(kTime, test::ethernet(test::ip_packet(speech_frame(known_input()))));
  first.add(kTime, test::ethernet(test::ip_packet(speech_frame("small"))));
  PcapWriter second({.link = test::kLinkSll2});
  std::string arp = test::sll2(test::ip_packet(speech_frame(known_input())), 3);
  arp[1] = 0x06;
  second.add(kTime, arp);
  auto capture = replay_of({first.bytes(), second.bytes()});
  drained(*capture);
  const LiveCaptureStats stats = capture->stats();
  ASSERT_EQ(stats.interfaces.size(), 2u);
  EXPECT_EQ(stats.interfaces[0].interface, "file0");
  EXPECT_EQ(stats.interfaces[0].counters.packets[AL_SCANNED], 1u);
  EXPECT_EQ(stats.interfaces[0].counters.packets[AL_TOO_SMALL], 1u);
  EXPECT_EQ(stats.interfaces[0].counters.emitted, 16u);
  EXPECT_EQ(stats.interfaces[1].counters.packets[AL_UNSUPPORTED], 1u);
  EXPECT_EQ(stats.received_events, 16u);
}

TEST(ReplayCapture, ReportsWhatStandsBeforeACut) {
  PcapWriter writer;
  writer.add(kTime, test::ethernet(test::ip_packet(speech_frame(known_input()))));
  writer.add(kTime, test::ethernet(test::ip_packet(speech_frame(known_input()))));
  PcapWriter other;
  other.add(kTime + kSecond, test::ethernet(test::ip_packet(speech_frame(known_input()))));
  auto capture = replay_of({writer.bytes().substr(0, writer.bytes().size() - 100), other.bytes()});
  EXPECT_EQ(drained(*capture).size(), 32u);
  EXPECT_THAT(capture->broken_files(), ElementsAre(HasSubstr("file0 ends early")));
}

TEST(ReplayCapture, ScansWhatACutPacketHolds) {
  const std::string packet = test::ethernet(test::ip_packet(speech_frame(known_input())));
  PcapWriter writer({.snaplen = 14 + 20 + 8 + 1000});
  writer.add(kTime, packet);
  auto capture = replay_of({writer.bytes()});
  const auto seen = drained(*capture);
  ASSERT_FALSE(seen.empty());
  EXPECT_LT(seen.size(), 16u);
  EXPECT_EQ(seen[0].signature, 0x1c78e8dffcfe980a);
  EXPECT_LT(seen.back().packet.offset, 1000u);
  EXPECT_EQ(seen[0].packet.payload_length, 4096u);  // as on the wire: identity must not depend on the capture
  EXPECT_EQ(capture->cut_packets(), 1u);
}

// Two TCP segments whose cut lies inside a window that begins at byte 193 and ends at byte 256.
std::string two_segments(std::uint32_t snaplen) {
  const std::string bytes = known_input();
  test::Frame frame = speech_frame(bytes.substr(0, 230));
  frame.protocol = test::kTcp;
  PcapWriter writer({.snaplen = snaplen});
  writer.add(kTime, test::ethernet(test::ip_packet(frame)));
  frame.tcp_sequence = 230;
  frame.payload = bytes.substr(230, 100);
  writer.add(kTime, test::ethernet(test::ip_packet(frame)));
  return writer.bytes();
}

TEST(ReplayCapture, CarriesTcpOverSegmentsUnlessTheyAreCut) {
  const auto whole = drained(*replay_of({two_segments(262'144)}));
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].signature, 0x1c78e8dffcfe980a);
  EXPECT_EQ(whole[0].packet.offset, 26u);
  EXPECT_TRUE(drained(*replay_of({two_segments(14 + 20 + 20 + 220)})).empty());
}

TEST(ReplayCapture, CarriesNothingWhenStateless) {
  EXPECT_TRUE(drained(*replay_of({two_segments(262'144)}, true)).empty());
}

TEST(ReplayCapture, FailsOnTheFileThatCannotBeOpened) {
  const auto capture = ReplayCapture::open({}, {"/nonexistent.pcap"});
  ASSERT_FALSE(capture);
  EXPECT_THAT(capture.error().message, HasSubstr("/nonexistent.pcap"));
}

}  // namespace
}  // namespace audio_latency
