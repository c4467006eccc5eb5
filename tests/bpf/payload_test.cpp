// SPDX-License-Identifier: Apache-2.0
// What the daemon is shown of a flow, what it may decide about it, and the payload domain: in the kernel program and in
// its twin alike.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <chrono>

#include "audio_latency/wire/scratch.h"
#include "capture_treatments.hpp"
#include "support/both_builds.hpp"
#include "support/bpf_program.hpp"
#include "support/one_cpu.hpp"
#include "support/oracle.hpp"
#include "support/scanning.hpp"

namespace audio_latency::test {
namespace {

struct Shown {
  FlowKey flow;
  std::uint32_t sequence = 0, length = 0;
  Bytes bytes;
  bool operator==(const Shown&) const = default;
};

struct PayloadCollector : PayloadSink {
  std::vector<Shown> shown;
  void on_payload(const Payload& payload) override {
    shown.push_back(
        {payload.flow, payload.sequence, payload.length, Bytes(payload.bytes.begin(), payload.bytes.end())});
  }
};

// The kernel program and the twin, fed the same packets at about the same time.
class Managed {
 public:
  explicit Managed(ProgramBuild build, std::vector<AudioPort> ports = {}, std::uint32_t ring_bytes = 1U << 22)
      : program_(settings(), {.build = build, .ring_bytes = ring_bytes, .ports = ports}) {
    Options options;
    options.audio_ports = ports;
    const auto table = std::make_unique<al_port_table>();
    fill_port_table(options, *table);
    twin_ = std::make_unique<PacketScanner>(settings(), *table);
  }
  static al_settings settings() {
    al_settings settings = oracle_settings();
    settings.minimum_payload = 80;
    return settings;
  }
  void listen() {
    program_.set_payload_sink(&kernel_);
    twin_->set_payload_sink(&twin_payloads_);
  }

  // What was shown of one packet: the same by both.
  std::vector<Shown> send(const Bytes& packet) {
    kernel_.shown.clear();
    twin_payloads_.shown.clear();
    windows.clear();
    program_.run(packet);
    for (const al_event& event : program_.events())
      windows.push_back({event.offset, event.leading_zeros, event.signature});
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    CapturedPacket one =
        captured(packet, static_cast<EventTime>(now.tv_sec) * 1'000'000'000 + static_cast<EventTime>(now.tv_nsec));
    one.loopback = true;
    one.point.interface = 1;
    Collector sink;
    twin_->scan(one, sink);
    EXPECT_EQ(windows, sink.selected());
    EXPECT_EQ(kernel_.shown, twin_payloads_.shown);
    for (int verdict = 0; verdict < AL_VERDICTS; ++verdict)
      EXPECT_EQ(program_.counters().packets[verdict], twin_->counters().packets[verdict]) << verdict;
    return kernel_.shown;
  }

  void treat(const FlowKey& flow, al_treatment treatment) {
    CapturePoint point;
    point.interface = 1;
    KernelTreatments kernel(FdView(program_.program().flows_fd()), FdView(program_.program().ports_fd()));
    kernel.treat(flow, point, false, treatment);
    twin_->treat(flow, point, false, treatment);
  }
  // The only one in the kernel's table.
  al_flow entry() const {
    const int table = program_.program().flows_fd();
    al_flow_key key{};
    al_flow_slot slot{};
    if (bpf_map_get_next_key(table, nullptr, &key) < 0 || bpf_map_lookup_elem(table, &key, &slot) < 0)
      throw std::runtime_error("the flow table is empty");
    return slot.flow;
  }
  std::uint64_t verdict(al_verdict which) const { return program_.counters().packets[which]; }
  al_counters counters() const { return program_.counters(); }

  std::vector<Selected> windows;  // of the last packet
 private:
  TestProgram program_;
  std::unique_ptr<PacketScanner> twin_;
  PayloadCollector kernel_;
  PayloadCollector twin_payloads_;
};

class KernelPayload : public BothBuilds {};
INSTANTIATE_TEST_SUITE_P(Builds, KernelPayload, both_builds(), build_name);

Bytes tcp(std::uint32_t sequence, const Bytes& payload, std::uint8_t flags = 0x18) {
  return Packet().ethernet().ipv4().tcp(1000, 2000, sequence, 0, flags).payload(payload).build();
}

// The flow that tcp() makes, once the daemon was shown its first 1,000 bytes.
FlowKey begin_flow(Managed& both) {
  both.listen();
  const auto first = both.send(tcp(1, random_bytes(1000, 1)));
  EXPECT_EQ(first.size(), 1U);
  return first.at(0).flow;
}

TEST_P(KernelPayload, NobodyListensNothingIsShown) {
  Managed both(GetParam());
  EXPECT_TRUE(both.send(tcp(1, random_bytes(3000, 1))).empty());
  EXPECT_FALSE(both.windows.empty());
}

TEST_P(KernelPayload, TheFirstBytesOfAFlowAreShownOnce) {
  Managed both(GetParam());
  both.listen();
  std::uint32_t sequence = 100;
  Bytes shown;
  for (std::uint64_t number = 0; number < 6; ++number) {
    const Bytes payload = random_bytes(2500, number + 1);
    const auto records = both.send(tcp(sequence, payload));
    for (const Shown& record : records) {
      EXPECT_EQ(record.sequence, 100 + shown.size());
      EXPECT_EQ(record.length, 2500U);  // on the wire; the last one is cut
      shown.insert(shown.end(), record.bytes.begin(), record.bytes.end());
      EXPECT_EQ(record.bytes, Bytes(payload.begin(), payload.begin() + static_cast<long>(record.bytes.size())));
    }
    sequence += 2500;
  }
  EXPECT_EQ(shown.size(), AL_SAMPLE_BYTES);
  EXPECT_EQ(both.verdict(AL_SCANNED), 6U);  // and scanned as raw bytes meanwhile
}

TEST_P(KernelPayload, AFlowThatIsNotAudioIsPassedOver) {
  Managed both(GetParam());
  const FlowKey flow = begin_flow(both);
  both.treat(flow, {AL_IGNORE, 0, 0, 0});
  EXPECT_TRUE(both.send(tcp(1001, random_bytes(3000, 2))).empty());
  EXPECT_TRUE(both.windows.empty());
  EXPECT_EQ(both.verdict(AL_NOT_AUDIO), 1U);
  both.send(tcp(77, {}, 0x02));  // another connection of the same addresses
  EXPECT_EQ(both.send(tcp(78, random_bytes(1000, 3))).size(), 1U);
  EXPECT_EQ(both.verdict(AL_NOT_AUDIO), 1U);
}

TEST_P(KernelPayload, AllOfADecodedFlowIsHandedOver) {
  Managed both(GetParam());
  const FlowKey flow = begin_flow(both);
  both.treat(flow, {AL_DECODE, 0, 0, 0});
  std::uint32_t sequence = 1001;
  for (const std::size_t length : {3000U, 1U, 79U, 3000U, 3000U}) {
    const Bytes payload = random_bytes(length, length);
    const auto records = both.send(tcp(sequence, payload));
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].bytes, payload);
    EXPECT_EQ(records[0].sequence, sequence);
    EXPECT_TRUE(both.windows.empty());
    sequence += static_cast<std::uint32_t>(length);
  }
  EXPECT_EQ(both.verdict(AL_DECODED), 5U);
}

// What is said again each second must not cost a copy of the entry back into the kernel.
TEST_P(KernelPayload, ADecodedFlowsEntryIsNotWrittenAgain) {
  Managed both(GetParam());
  const FlowKey flow = begin_flow(both);
  both.treat(flow, {AL_DECODE, 0, 0, 0});
  const std::uint64_t written = both.entry().examined_ns;
  both.treat(flow, {AL_DECODE, 0, 0, 0});
  EXPECT_EQ(both.entry().examined_ns, written);
  both.treat(flow, {AL_IGNORE, 0, 0, 0});
  EXPECT_GT(both.entry().examined_ns, written);
}

TEST_P(KernelPayload, AFlowIsScannedAsTheDaemonSays) {
  Managed both(GetParam());
  const FlowKey flow = begin_flow(both);
  both.treat(flow, {AL_SCAN, AL_FRAMING_RAW, AL_CODEC_PCM16LE, 1});  // samples at odd numbers
  const Bytes audio = random_bytes(3001, 5);
  EXPECT_TRUE(both.send(tcp(1000, audio)).empty());
  auto expected = select_verbatim(audio, Managed::settings());
  for (Selected one : select_companded({audio.begin() + 1, audio.end()}, AL_CODEC_PCM16LE, 2, Managed::settings())) {
    one.offset += 1;  // the sample's last byte lies in the next pair of bytes
    expected.push_back(one);
  }
  EXPECT_EQ(both.windows, expected);
}

TEST_P(KernelPayload, DeclaredFormatsNeedNoDecision) {
  Managed both(GetParam(), {{2000, AL_FORMAT_WEBSOCKET}, {5004, AL_FORMAT_RTP}, {9000, AL_FORMAT_RAW}});
  both.listen();
  EXPECT_EQ(both.send(tcp(1, random_bytes(40, 1))).size(), 1U);
  EXPECT_EQ(both.verdict(AL_DECODED), 1U);
  EXPECT_TRUE(both.send(Packet().ethernet().ipv4().udp(1, 5004).rtp().payload(random_bytes(800, 1)).build()).empty());
  EXPECT_TRUE(both.send(Packet().ethernet().ipv4().udp(1, 9000).payload(random_bytes(800, 1)).build()).empty());
  EXPECT_EQ(both.verdict(AL_SCANNED), 2U);
}

TEST_P(KernelPayload, WhatTheRingCannotHoldIsCounted) {
  TestProgram program(Managed::settings(),
                      {.build = GetParam(), .ring_bytes = 4096, .ports = {{2000, AL_FORMAT_WEBSOCKET}}});
  PayloadCollector sink;
  program.set_payload_sink(&sink);
  for (std::uint32_t number = 0; number < 10; ++number) program.run(tcp(number * 1000, random_bytes(1000, number)));
  program.events();
  const al_counters counters = program.counters();
  EXPECT_EQ(counters.payloads, 10U);
  EXPECT_EQ(counters.payloads, sink.shown.size() + counters.lost[AL_LOST_PAYLOAD_RING_FULL]);
  EXPECT_GT(counters.lost[AL_LOST_PAYLOAD_RING_FULL], 5U);
}

TEST_P(KernelPayload, NewFlowsAreShownWithinABudget) {
  const OneCpu here;
  TestProgram program(Managed::settings(), {.build = GetParam()});
  PayloadCollector sink;
  program.set_payload_sink(&sink);
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint16_t port = 1; port <= 400; ++port)
    program.run(Packet().ethernet().ipv4().tcp(port, 2, 0).payload(random_bytes(3000, port)).build());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  program.events();
  const al_counters counters = program.counters();
  EXPECT_EQ(counters.payloads + counters.lost[AL_LOST_SAMPLE_BUDGET], 400U);
  // A tenth of a second's worth at once; the last packet may overdraw it.
  const double most = (0.1 + elapsed.count()) * AL_SAMPLE_BYTES_PER_SECOND + 3000;
  EXPECT_LE(static_cast<double>(counters.payloads) * 3000, most);
}

TEST_P(KernelPayload, CompressedPayloadsAreSignedAsAWhole) {
  Managed both(GetParam(), {{5004, AL_FORMAT_RTP}});
  std::uint16_t number = 0;
  for (const std::size_t length : {15U, 16U, 17U, 20U, 31U, 32U, 33U, 63U, 100U, 160U, 333U, 600U, 1500U, 1501U}) {
    RtpFields rtp;
    rtp.payload_type = 9;  // G.722
    rtp.sequence = ++number;
    rtp.padding = static_cast<std::uint8_t>(number % 3);
    const Bytes audio = random_bytes(length, length);
    both.send(Packet().ethernet().ipv4().udp(1, 5004).rtp(rtp).payload(audio).build());
    std::vector<Selected> whole;
    const std::uint64_t hash = XXH64(audio.data(), length, AL_DOMAIN_PAYLOAD);
    for (const Selected& one : both.windows)
      if (one.signature == hash) whole.push_back(one);
    ASSERT_EQ(whole.size(), length >= 16 && length <= 1500 ? 1U : 0U) << length;
    for (const Selected& one : whole) EXPECT_EQ(one.offset, 12 + length - 1);
  }
  EXPECT_EQ(both.counters().refused[AL_REFUSED_LONG_PAYLOAD], 1U);
}

TEST(PayloadHash, IsXxh64) {
  for (std::size_t length = 0; length <= AL_PAYLOAD_MAX; ++length) {
    Bytes bytes = random_bytes(length + 32, length);
    EXPECT_EQ(al_xxh64_any(bytes.data(), static_cast<__u32>(length), 4), XXH64(bytes.data(), length, 4)) << length;
  }
}

}  // namespace
}  // namespace audio_latency::test
