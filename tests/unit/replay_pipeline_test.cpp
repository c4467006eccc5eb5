// SPDX-License-Identifier: Apache-2.0
// Captures through the whole pipeline: what is written into files, and which latencies come out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "identity_static.hpp"
#include "pipeline.hpp"
#include "support/frames.hpp"
#include "support/pcap_writer.hpp"
#include "support/replay_memory.hpp"

namespace audio_latency {
namespace {

using test::PcapWriter;
using ::testing::IsEmpty;

constexpr EventTime kTime = 1'700'000'000'000'000'000;
constexpr EventTime kMillisecond = 1'000'000;
constexpr std::int64_t kDelay = 270 * kMillisecond;
constexpr unsigned kPackets = 1000;  // of 20 ms
constexpr std::size_t kPayload = 320;

struct Matches : MatchSink {
  void on_match(const Match& match) override { all.push_back(match); }
  std::vector<Match> of(MatchKind kind) const {
    std::vector<Match> some;
    for (const Match& match : all) {
      if (match.kind == kind) some.push_back(match);
    }
    return some;
  }
  std::vector<Match> all;
};

// Sound that never repeats.
std::string noise() {
  std::mt19937_64 random(7);
  std::string bytes(kPackets * kPayload, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// One hop: the sound of `noise()` in packets of 20 ms from `begin` on.
struct Hop {
  test::Frame frame;
  EventTime begin = 0;
  std::uint16_t first_ip_id = 0;
};

void write(PcapWriter& writer, const std::vector<Hop>& hops, auto framed) {
  const std::string sound = noise();
  for (unsigned i = 0; i < kPackets; ++i) {
    for (const Hop& hop : hops) {
      test::Frame frame = hop.frame;
      frame.payload = sound.substr(i * kPayload, kPayload);
      frame.ip_id = static_cast<std::uint16_t>(hop.first_ip_id + i);
      writer.add(hop.begin + i * 20 * kMillisecond, framed(frame));
    }
  }
}

std::string plain(const test::Frame& frame) {
  return test::ethernet(test::ip_packet(frame));
}

Matches measured(const std::vector<std::string>& contents) {
  const auto capture = test::replay_of(contents);
  StaticResolver resolver;
  Pipeline pipeline({}, resolver);
  Matches matches;
  pipeline.add(matches);
  for (;;) {
    const auto more = capture->drain(pipeline);
    pipeline.advance(capture->now());
    if (!more || !*more) break;
  }
  pipeline.finish();
  return matches;
}

Hop hop(const char* source, const char* destination, EventTime begin, std::uint16_t first_ip_id = 0,
        std::uint8_t ttl = 64) {
  return {{.source = test::address(source), .destination = test::address(destination), .ttl = ttl}, begin, first_ip_id};
}

const Hop kFirst = hop("10.0.0.1:5000", "10.0.0.2:5002", kTime);
const Hop kSecond = hop("10.0.0.2:6000", "10.0.0.3:6002", kTime + kDelay, 20'000);

void expect_relay_latency(const Matches& matches) {
  const auto latencies = matches.of(MatchKind::latency);
  ASSERT_GT(latencies.size(), 500u);
  for (const Match& match : latencies) {
    ASSERT_EQ(match.latency_ns, kDelay);
    ASSERT_EQ(match.source, kFirst.frame.source);
    ASSERT_EQ(match.dest, kSecond.frame.destination);
  }
  const auto stages = matches.of(MatchKind::stage);
  EXPECT_EQ(stages.size(), latencies.size());
  EXPECT_EQ(stages.at(0).source, kFirst.frame.destination);
  EXPECT_EQ(stages.at(0).dest, kSecond.frame.source);
}

TEST(ReplayPipeline, MeasuresARelay) {
  PcapWriter writer;
  write(writer, {kFirst, kSecond}, plain);
  const Matches matches = measured({writer.bytes()});
  expect_relay_latency(matches);
  EXPECT_THAT(matches.of(MatchKind::network), IsEmpty());
}

TEST(ReplayPipeline, MeasuresARelayInsideTunnels) {
  const test::Frame outer{.source = test::address("192.0.2.1:40000"), .destination = test::address("192.0.2.2:4789")};
  PcapWriter writer;
  write(writer, {kFirst, kSecond},
        [&](const test::Frame& frame) { return test::ethernet(test::vxlan(outer, plain(frame))); });
  expect_relay_latency(measured({writer.bytes()}));
}

TEST(ReplayPipeline, MeasuresOverFilesOfTwoPlaces) {
  PcapWriter first;
  write(first, {kFirst}, plain);
  PcapWriter second;
  write(second, {kSecond}, plain);
  expect_relay_latency(measured({second.bytes(), first.bytes()}));
}

TEST(ReplayPipeline, TakesAPacketSeenTwiceForOneHop) {
  PcapWriter near;
  write(near, {kFirst, kSecond}, plain);
  Hop arrived = kFirst;
  arrived.begin += 3 * kMillisecond;
  PcapWriter far;
  write(far, {arrived}, plain);
  const Matches matches = measured({near.bytes(), far.bytes()});
  expect_relay_latency(matches);
  const auto network = matches.of(MatchKind::network);
  ASSERT_GT(network.size(), 500u);
  for (const Match& match : network) {
    ASSERT_EQ(match.latency_ns, 3 * kMillisecond);
    ASSERT_EQ(match.source, kFirst.frame.source);
    ASSERT_EQ(match.dest, kFirst.frame.destination);
  }
}

TEST(ReplayPipeline, SeesThroughNat) {
  PcapWriter inside;
  write(inside, {kFirst}, plain);
  // As translated: other addresses, the same IP ID and payload, one router further.
  const Hop translated = hop("198.51.100.1:62000", "203.0.113.2:5002", kFirst.begin + 5 * kMillisecond, 0, 63);
  PcapWriter outside;
  write(outside, {translated}, plain);
  const Matches matches = measured({inside.bytes(), outside.bytes()});
  EXPECT_THAT(matches.of(MatchKind::latency), IsEmpty());
  const auto network = matches.of(MatchKind::network);
  ASSERT_GT(network.size(), 500u);
  for (const Match& match : network) {
    ASSERT_EQ(match.latency_ns, 5 * kMillisecond);
    ASSERT_EQ(match.source, kFirst.frame.source);
    ASSERT_EQ(match.dest, translated.frame.destination);
  }
}

TEST(ReplayPipeline, InventsNothingBetweenStrangers) {
  // The same sound from two senders that have nothing to do with each other.
  PcapWriter writer;
  write(writer, {kFirst, hop("10.9.0.1:5000", "10.9.0.2:5002", kTime + kDelay, 20'000)}, plain);
  EXPECT_THAT(measured({writer.bytes()}).all, IsEmpty());
}

}  // namespace
}  // namespace audio_latency
