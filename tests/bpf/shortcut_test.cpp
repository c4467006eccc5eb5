// SPDX-License-Identifier: Apache-2.0
// Flows that are passed over take a short way (wire/shortcut.h): they, and they alone.
#include <gtest/gtest.h>

#include <chrono>

#include "support/both_builds.hpp"
#include "support/shortcut_world.hpp"

namespace audio_latency::test {
namespace {

constexpr std::uint16_t kWatched = 2000, kUnwatched = 9999;
const Bytes kBulk = Packet().ethernet().ipv4().tcp(1, kWatched, 5).payload(random_bytes(1400, 1)).build();

class KernelShortcuts : public BothBuilds {
 protected:
  const OneCpu here_;
};
INSTANTIATE_TEST_SUITE_P(Builds, KernelShortcuts, both_builds(), build_name);

// A tick of the clock may come at any time, so more than one attempt is allowed.
bool takes_short_way(const ShortcutWorld& world, const Bytes& packet, bool ethernet, al_direction direction) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    world.program.run(packet, ethernet, direction);
    world.shortcuts.mark();
    const std::uint64_t before = world.verdict(AL_BUDGET, direction);
    world.program.run(packet, ethernet, direction);
    if (world.verdict(AL_BUDGET, direction) > before) return true;
  }
  return false;
}

// The flow of kBulk without audio, and its shortcut.
FlowKey pass_over_bulk(ShortcutWorld& world) {
  const FlowKey flow = world.ignore(kBulk);
  world.program.run(kBulk);
  EXPECT_EQ(world.verdict(AL_NOT_AUDIO), 1U);
  EXPECT_EQ(world.shortcuts.kept(), 1U);
  return flow;
}

TEST_P(KernelShortcuts, UnwatchedPortsTakeThem) {
  const ShortcutWorld world(here_, GetParam(), 0, {{kWatched, AL_FORMAT_RAW}});
  for (const bool ethernet : {true, false})
    for (const bool v6 : {true, false})
      for (const al_direction direction : {AL_INGRESS, AL_EGRESS}) {
        SCOPED_TRACE(testing::Message() << ethernet << v6 << direction);
        const Bytes bulk = random_bytes(1400, 1);
        EXPECT_TRUE(
            takes_short_way(world, in_ip(ethernet, v6).tcp(1, 9999, 5).payload(bulk).build(), ethernet, direction));
        EXPECT_TRUE(takes_short_way(world, in_ip(ethernet, v6).tcp(1, 9999, 5, 12, 0x10).build(), ethernet, direction));
        EXPECT_TRUE(
            takes_short_way(world, in_ip(ethernet, v6).udp(1, 9999).payload(bulk).build(), ethernet, direction));
      }
}

TEST_P(KernelShortcuts, FlowsWithoutAudioTakeThem) {
  ShortcutWorld world(here_, GetParam(), 0, {});
  world.ignore(kBulk);
  EXPECT_TRUE(takes_short_way(world, kBulk, true, AL_INGRESS));
}

TEST_P(KernelShortcuts, AcknowledgementsWithoutAFlowTakeThemButItsPayloadDoesNot) {
  ShortcutWorld world(here_, GetParam(), 0, {});
  world.program.set_payload_sink(&world.payloads);
  EXPECT_TRUE(
      takes_short_way(world, Packet().ethernet().ipv4().tcp(1, kWatched, 5, 12, 0x10).build(), true, AL_INGRESS));
  world.shortcuts.clear();
  world.program.run(Packet().ethernet().ipv4().tcp(1, kWatched, 5, 12, 0x10).build());
  EXPECT_EQ(world.shortcuts.kept(), 1U);
  world.program.run(kBulk);
  EXPECT_EQ(world.verdict(AL_SCANNED), 1U);
}

TEST_P(KernelShortcuts, AnotherVerdictIsHeardOfWhateverComesMeanwhile) {
  ShortcutWorld world(here_, GetParam(), 0, {});
  const FlowKey flow = pass_over_bulk(world);
  world.treat(flow, {AL_DECODE, 0, 0, 0});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (world.verdict(AL_DECODED) == 0 && std::chrono::steady_clock::now() < deadline) world.program.run(kBulk);
  EXPECT_GT(world.verdict(AL_DECODED), 0U);
}

TEST_P(KernelShortcuts, EachDirectionHasItsOwn) {
  ShortcutWorld world(here_, GetParam(), 0, {});
  pass_over_bulk(world);
  world.program.run(kBulk, true, AL_EGRESS);
  EXPECT_EQ(world.verdict(AL_SCANNED, AL_EGRESS), 1U);
}

TEST_P(KernelShortcuts, ANewConnectionIsLookedAtAtOnce) {
  ShortcutWorld world(here_, GetParam(), 0, {});
  pass_over_bulk(world);
  world.program.run(Packet().ethernet().ipv4().tcp(1, kWatched, 4, 0, 0x02).build());
  EXPECT_EQ(world.shortcuts.kept(), 0U);
  world.program.run(kBulk);
  EXPECT_EQ(world.verdict(AL_NOT_AUDIO), 1U);
}

// RFC 7413: data in the SYN, whose own verdict is another one.
TEST_P(KernelShortcuts, ANewConnectionThatBeginsWithDataIsLookedAtAtOnce) {
  ShortcutWorld world(here_, GetParam(), 0, {});
  pass_over_bulk(world);
  world.program.run(Packet().ethernet().ipv4().tcp(1, kWatched, 4, 0, 0x02).payload(random_bytes(600, 2)).build());
  EXPECT_EQ(world.shortcuts.kept(), 0U);
}

TEST_P(KernelShortcuts, WhatATunnelCarriesHasNone) {
  const ShortcutWorld world(here_, GetParam(), AL_INTERFACE_UPLINK, {{kWatched, AL_FORMAT_RAW}});
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
  const ShortcutWorld world(here_, GetParam(), 0, {{kWatched, AL_FORMAT_RAW}});
  for (const bool v6 : {false, true}) {
    const auto of_length = [&](std::size_t length) {
      return in_ip(true, v6).udp(1, kUnwatched).payload(random_bytes(length, 1)).build();
    };
    ASSERT_TRUE(takes_short_way(world, of_length(1400), true, AL_INGRESS));
    const std::uint64_t before = world.verdict(AL_PORT);
    for (const std::size_t length : {80U, 160U, 320U, 640U, 960U}) world.program.run(of_length(length));
    EXPECT_EQ(world.verdict(AL_PORT), before + 5);
  }
}

}  // namespace
}  // namespace audio_latency::test
