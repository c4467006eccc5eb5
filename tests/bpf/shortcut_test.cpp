// SPDX-License-Identifier: Apache-2.0
// Flows that are passed over take a short way (wire/shortcut.h): for them, and for them alone, with the same verdicts.
#include <bpf/libbpf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <random>
#include <span>

#include "audio_latency/wire/shortcut.h"
#include "capture_treatments.hpp"
#include "support/bpf_program.hpp"
#include "support/one_cpu.hpp"
#include "support/oracle.hpp"
#include "support/packet_matrix.hpp"

namespace audio_latency::test {
namespace {

constexpr std::uint16_t kWatched = 2000, kUnwatched = 9999;

// The shortcuts of one CPU, as the program has them.
class Shortcuts {
 public:
  Shortcuts(int fd, std::size_t cpu)
      : cpu_(cpu),
        count_(static_cast<std::size_t>(libbpf_num_possible_cpus()) * AL_SHORTCUTS),
        memory_(mmap(nullptr, count_ * sizeof(al_shortcut), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {
    if (memory_ == MAP_FAILED) throw std::runtime_error("the shortcuts can't be mapped");
  }
  ~Shortcuts() { munmap(memory_, count_ * sizeof(al_shortcut)); }
  Shortcuts(const Shortcuts&) = delete;
  Shortcuts& operator=(const Shortcuts&) = delete;

  std::span<al_shortcut> all() const {
    return {static_cast<al_shortcut*>(memory_) + cpu_ * AL_SHORTCUTS, AL_SHORTCUTS};
  }
  void clear() const { std::fill(all().begin(), all().end(), al_shortcut{}); }
  // Those that have not been taken back.
  std::size_t kept() const {
    return static_cast<std::size_t>(
        std::count_if(all().begin(), all().end(), [](const al_shortcut& one) { return one.state >> 24 != 0; }));
  }
  // From now on the short way can be told from the long one.
  void mark() const {
    for (al_shortcut& one : all())
      if (one.state != 0) one.state = (one.state & ~0xffffULL) | AL_BUDGET << 8 | AL_BUDGET;
  }

 private:
  std::size_t cpu_;
  std::size_t count_;
  void* memory_;
};

al_settings shortcut_settings() {
  al_settings settings = oracle_settings();
  settings.minimum_payload = 80;
  return settings;
}

struct NoPayload : PayloadSink {
  void on_payload(const Payload& payload) override { flow = payload.flow; }
  FlowKey flow;
};

// The program and its shortcuts. A CPU's are its own: the test stays on one.
struct World {
  World(const OneCpu& here, ProgramBuild build, std::uint64_t flags, std::vector<AudioPort> ports)
      : program(shortcut_settings(), {.build = build, .flags = flags, .ports = std::move(ports)}),
        shortcuts(program.program().shortcuts_fd(), here.number()) {}
  std::uint64_t verdict(al_verdict which, al_direction direction = AL_INGRESS) const {
    return program.counters(1, direction).packets[which];
  }
  void treat(const FlowKey& flow, al_treatment treatment) const {
    CapturePoint point;
    point.interface = 1;
    KernelTreatments(FdView(program.program().flows_fd()), FdView(program.program().ports_fd()))
        .treat(flow, point, false, treatment);
  }
  // A flow of this packet's that the daemon has found to be no audio.
  void ignore(const Bytes& packet) {
    program.set_payload_sink(&payloads);
    program.run(packet);
    program.events();
    treat(payloads.flow, {AL_IGNORE, 0, 0, 0});
  }

  TestProgram program;
  Shortcuts shortcuts;
  NoPayload payloads;
};

class KernelShortcuts : public testing::TestWithParam<ProgramBuild> {
 protected:
  void SetUp() override {
    if (const std::string missing = missing_privilege(); !missing.empty()) GTEST_SKIP() << missing;
  }
  const OneCpu here_;
};
INSTANTIATE_TEST_SUITE_P(Builds, KernelShortcuts, testing::Values(ProgramBuild::full, ProgramBuild::bounded),
                         [](const auto& given) { return given.param == ProgramBuild::full ? "full" : "bounded"; });

// A tick of the clock may come at any time, so more than one attempt is allowed.
bool takes_short_way(const World& world, const Bytes& packet, bool ethernet, al_direction direction) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    world.program.run(packet, ethernet, direction);
    world.shortcuts.mark();
    const std::uint64_t before = world.verdict(AL_BUDGET, direction);
    world.program.run(packet, ethernet, direction);
    if (world.verdict(AL_BUDGET, direction) > before) return true;
  }
  return false;
}

Packet in(bool ethernet, bool v6) {
  Packet packet;
  if (ethernet) packet.ethernet();
  if (v6) return packet.ipv6();
  return packet.ipv4();
}

TEST_P(KernelShortcuts, UnwatchedPortsTakeThem) {
  const World world(here_, GetParam(), 0, {{kWatched, AL_FORMAT_RAW}});
  for (const bool ethernet : {true, false})
    for (const bool v6 : {true, false})
      for (const al_direction direction : {AL_INGRESS, AL_EGRESS}) {
        SCOPED_TRACE(testing::Message() << ethernet << v6 << direction);
        const Bytes bulk = random_bytes(1400, 1);
        EXPECT_TRUE(
            takes_short_way(world, in(ethernet, v6).tcp(1, 9999, 5).payload(bulk).build(), ethernet, direction));
        EXPECT_TRUE(takes_short_way(world, in(ethernet, v6).tcp(1, 9999, 5, 12, 0x10).build(), ethernet, direction));
        EXPECT_TRUE(takes_short_way(world, in(ethernet, v6).udp(1, 9999).payload(bulk).build(), ethernet, direction));
      }
}

TEST_P(KernelShortcuts, FlowsWithoutAudioTakeThem) {
  World world(here_, GetParam(), 0, {});
  const Bytes packet = Packet().ethernet().ipv4().tcp(1, kWatched, 5).payload(random_bytes(1400, 1)).build();
  world.ignore(packet);
  EXPECT_TRUE(takes_short_way(world, packet, true, AL_INGRESS));
}

TEST_P(KernelShortcuts, AcknowledgementsWithoutAFlowTakeThemButItsPayloadDoesNot) {
  World world(here_, GetParam(), 0, {});
  world.program.set_payload_sink(&world.payloads);
  EXPECT_TRUE(
      takes_short_way(world, Packet().ethernet().ipv4().tcp(1, kWatched, 5, 12, 0x10).build(), true, AL_INGRESS));
  world.shortcuts.clear();
  world.program.run(Packet().ethernet().ipv4().tcp(1, kWatched, 5, 12, 0x10).build());
  EXPECT_EQ(world.shortcuts.kept(), 1U);
  world.program.run(Packet().ethernet().ipv4().tcp(1, kWatched, 5).payload(random_bytes(1400, 1)).build());
  EXPECT_EQ(world.verdict(AL_SCANNED), 1U);
}

TEST_P(KernelShortcuts, AnotherVerdictIsHeardOfWhateverComesMeanwhile) {
  World world(here_, GetParam(), 0, {});
  const Bytes packet = Packet().ethernet().ipv4().tcp(1, kWatched, 5).payload(random_bytes(1400, 1)).build();
  world.ignore(packet);
  world.program.run(packet);
  EXPECT_EQ(world.shortcuts.kept(), 1U);
  world.treat(world.payloads.flow, {AL_DECODE, 0, 0, 0});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (world.verdict(AL_DECODED) == 0 && std::chrono::steady_clock::now() < deadline) world.program.run(packet);
  EXPECT_GT(world.verdict(AL_DECODED), 0U);
}

TEST_P(KernelShortcuts, EachDirectionHasItsOwn) {
  World world(here_, GetParam(), 0, {});
  const Bytes packet = Packet().ethernet().ipv4().tcp(1, kWatched, 5).payload(random_bytes(1400, 1)).build();
  world.ignore(packet);
  world.program.run(packet);
  EXPECT_EQ(world.shortcuts.kept(), 1U);
  world.program.run(packet, true, AL_EGRESS);
  EXPECT_EQ(world.verdict(AL_SCANNED, AL_EGRESS), 1U);
}

TEST_P(KernelShortcuts, ANewConnectionIsLookedAtAtOnce) {
  World world(here_, GetParam(), 0, {});
  const Bytes packet = Packet().ethernet().ipv4().tcp(1, kWatched, 5).payload(random_bytes(1400, 1)).build();
  world.ignore(packet);
  world.program.run(packet);
  EXPECT_EQ(world.verdict(AL_NOT_AUDIO), 1U);
  EXPECT_EQ(world.shortcuts.kept(), 1U);
  world.program.run(Packet().ethernet().ipv4().tcp(1, kWatched, 4, 0, 0x02).build());
  EXPECT_EQ(world.shortcuts.kept(), 0U);
  world.program.run(packet);
  EXPECT_EQ(world.verdict(AL_NOT_AUDIO), 1U);
}

// RFC 7413: data in the SYN, whose own verdict is another one.
TEST_P(KernelShortcuts, ANewConnectionThatBeginsWithDataIsLookedAtAtOnce) {
  World world(here_, GetParam(), 0, {});
  const Bytes packet = Packet().ethernet().ipv4().tcp(1, kWatched, 5).payload(random_bytes(1400, 1)).build();
  world.ignore(packet);
  world.program.run(packet);
  EXPECT_EQ(world.shortcuts.kept(), 1U);
  world.program.run(Packet().ethernet().ipv4().tcp(1, kWatched, 4, 0, 0x02).payload(random_bytes(600, 2)).build());
  EXPECT_EQ(world.shortcuts.kept(), 0U);
}

TEST_P(KernelShortcuts, WhatATunnelCarriesHasNone) {
  const World world(here_, GetParam(), AL_INTERFACE_UPLINK, {{kWatched, AL_FORMAT_RAW}});
  const auto tunnelled = [](std::uint16_t port) {
    return Packet()
        .ethernet()
        .ipv4()
        .udp(3333, 4789)
        .vxlan()
        .ethernet()
        .ipv4()
        .udp(1, port)
        .payload(random_bytes(1400, 1))
        .build();
  };
  for (int number = 0; number < 10; ++number) {
    world.program.run(tunnelled(kUnwatched));
    world.program.run(tunnelled(kWatched));
  }
  EXPECT_EQ(world.verdict(AL_PORT), 10U);
  EXPECT_EQ(world.verdict(AL_SCANNED), 10U);
  EXPECT_EQ(world.shortcuts.kept(), 0U);
  world.program.run(Packet().ethernet().ipv4().udp(1, kUnwatched).payload(random_bytes(1400, 1)).build());
  EXPECT_EQ(world.shortcuts.kept(), 1U);
}

TEST_P(KernelShortcuts, AudioDoesNotAskForThem) {
  const World world(here_, GetParam(), 0, {{kWatched, AL_FORMAT_RAW}});
  for (const bool v6 : {false, true}) {
    const auto of_length = [&](std::size_t length) {
      return in(true, v6).udp(1, kUnwatched).payload(random_bytes(length, 1)).build();
    };
    ASSERT_TRUE(takes_short_way(world, of_length(1400), true, AL_INGRESS));
    const std::uint64_t before = world.verdict(AL_PORT);
    for (const std::size_t length : {80U, 160U, 320U, 640U, 960U}) world.program.run(of_length(length));
    EXPECT_EQ(world.verdict(AL_PORT), before + 5);
  }
}

// Packets of a few flows, whole and spoilt.
class Stream {
 public:
  Stream() {
    for (const std::size_t length : {0U, 40U, 1000U, 1400U})
      for (const Case& one : packet_matrix(random_bytes(length, length + 1))) valid_.push_back(one.packet);
    for (const std::uint16_t port : {kUnwatched, kDecided})
      for (const std::size_t length : {0U, 3U, 40U, 900U, 1400U})
        for (const bool v6 : {false, true}) {
          valid_.push_back(in(true, v6).tcp(1000, port, 77).payload(random_bytes(length, length)).build());
          valid_.push_back(in(true, v6).udp(1000, port).payload(random_bytes(length, length)).build());
        }
  }
  Bytes next() {
    Bytes packet = valid_[random_() % valid_.size()];
    const std::uint64_t dice = random_();
    for (std::uint64_t change = 0; change < dice % 3; ++change) {
      const std::uint64_t value = random_();
      packet[value % std::min<std::size_t>(packet.size(), 64)] = static_cast<std::uint8_t>(value >> 32);
    }
    if (dice / 16 % 8 == 0) packet.resize(14 + random_() % (packet.size() - 13));
    ethernet = dice / 128 % 8 != 0;
    direction = dice / 1024 % 2 == 0 ? AL_INGRESS : AL_EGRESS;
    return packet;
  }
  static constexpr std::uint16_t kDecided = 8000;
  bool ethernet = true;  // of the last one
  al_direction direction = AL_INGRESS;

 private:
  std::vector<Bytes> valid_;
  std::mt19937_64 random_{11};
};

// With shortcuts, without, and with some that can be told from the long way.
TEST_P(KernelShortcuts, NoVerdictIsAnotherOne) {
  const std::vector<AudioPort> ports = {
      {kWatched, AL_FORMAT_RAW}, {5004, AL_FORMAT_RTP}, {Stream::kDecided, AL_FORMAT_AUTO}};
  World with(here_, GetParam(), AL_INTERFACE_UPLINK, ports);
  World without(here_, GetParam(), AL_INTERFACE_UPLINK, ports);
  World marked(here_, GetParam(), AL_INTERFACE_UPLINK, ports);
  const Bytes ignored =
      Packet().ethernet().ipv4().tcp(1000, Stream::kDecided, 77).payload(random_bytes(900, 9)).build();
  for (World* world : {&with, &without, &marked}) world->ignore(ignored);
  const FlowKey flow = with.payloads.flow;
  Stream stream;
  for (int number = 0; number < 50'000; ++number) {
    if (number % 1000 == 0)  // a SYN among them makes it an open question again
      for (World* world : {&with, &without, &marked}) world->treat(flow, {AL_IGNORE, 0, 0, 0});
    const Bytes packet = stream.next();
    without.shortcuts.clear();
    marked.shortcuts.mark();
    const RunResult result = with.program.run(packet, stream.ethernet, stream.direction);
    ASSERT_EQ(without.program.run(packet, stream.ethernet, stream.direction).error, result.error);
    ASSERT_EQ(marked.program.run(packet, stream.ethernet, stream.direction).error, result.error);
    if (number % 256 != 0) continue;
    for (const al_direction direction : {AL_INGRESS, AL_EGRESS})
      for (int verdict = 0; verdict < AL_VERDICTS; ++verdict)
        ASSERT_EQ(with.verdict(al_verdict(verdict), direction), without.verdict(al_verdict(verdict), direction))
            << "verdict " << verdict << ", packet " << number;
  }
  EXPECT_GT(with.verdict(AL_NOT_AUDIO), 100U);
  EXPECT_GT(marked.verdict(AL_BUDGET) + marked.verdict(AL_BUDGET, AL_EGRESS), 1000U);
}

}  // namespace
}  // namespace audio_latency::test
