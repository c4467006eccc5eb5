// SPDX-License-Identifier: Apache-2.0
// What packets the kernel program takes, and that it never decides a packet's fate.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <random>

#include "audio_latency/wire/scratch.h"
#include "support/both_builds.hpp"
#include "support/bpf_program.hpp"
#include "support/oracle.hpp"
#include "support/packet_matrix.hpp"

namespace audio_latency::test {
namespace {

class KernelPackets : public BothBuilds {
 protected:
  static al_settings settings() {
    al_settings settings = oracle_settings();
    settings.minimum_payload = 80;
    return settings;
  }
};
INSTANTIATE_TEST_SUITE_P(Builds, KernelPackets, both_builds(), build_name);

std::vector<AudioPort> all_but_9998_and_9999() {
  std::vector<AudioPort> ports;
  for (std::uint32_t port = 0; port < 65536; ++port)
    if (port != 9998 && port != 9999) ports.push_back({static_cast<std::uint16_t>(port), AL_FORMAT_RAW});
  return ports;
}

TEST_P(KernelPackets, EveryWrappingGivesTheWindowsOfItsPayload) {
  const Bytes payload = random_bytes(600, 1);
  const auto expected = select_verbatim(payload, settings());
  ASSERT_FALSE(expected.empty());
  TestProgram::Setup setup{.build = GetParam()};
  setup.flags = AL_INTERFACE_UPLINK;
  setup.ports = all_but_9998_and_9999();
  TestProgram program(settings(), setup);
  al_counters before = program.counters();
  for (const Case& one : packet_matrix(payload)) {
    ASSERT_EQ(program.run(one.packet, one.ethernet).return_value, ~0U) << one.name;
    const al_counters after = program.counters();
    EXPECT_EQ(after.packets[one.verdict], before.packets[one.verdict] + 1) << one.name;
    before = after;
    const auto events = program.events();
    if (one.verdict != AL_SCANNED) {
      EXPECT_TRUE(events.empty()) << one.name;
      continue;
    }
    ASSERT_GE(events.size(), 1U) << one.name;
    EXPECT_EQ(events[0].signature, expected[0].signature) << one.name;
    EXPECT_EQ(events[0].offset, expected[0].offset) << one.name;
    EXPECT_EQ(events[0].source_port, 1000) << one.name;
    EXPECT_EQ(events[0].tunnelled != 0, one.tunnelled) << one.name;
  }
}

TEST_P(KernelPackets, TunnelsStayClosedWhereItIsNoUplink) {
  TestProgram program(settings(), {.build = GetParam()});
  for (const Case& one : packet_matrix(random_bytes(600, 1))) {
    if (!one.tunnelled) continue;
    program.run(one.packet);
    for (const al_event& event : program.events()) EXPECT_EQ(event.source_port, 3333) << one.name;
  }
}

// What is forwarded may be a pod's own, with a tunnel's header written into it.
TEST_P(KernelPackets, TunnelsStayClosedInWhatIsForwarded) {
  TestProgram::Setup setup{.build = GetParam()};
  setup.flags = AL_INTERFACE_UPLINK;
  TestProgram program(settings(), setup);
  const auto matrix = packet_matrix(random_bytes(600, 1));
  const auto tunnel = std::find_if(matrix.begin(), matrix.end(), [](const Case& one) {
    return one.tunnelled && one.ethernet && one.packet[12] == 0x08 && one.packet[13] == 0;
  });
  ASSERT_NE(tunnel, matrix.end());
  for (const std::uint32_t came_in : {0U, 1U}) {
    for (const al_direction direction : {AL_INGRESS, AL_EGRESS}) {
      __sk_buff context{};
      context.ingress_ifindex = came_in;
      bpf_test_run_opts options{};
      options.sz = sizeof options;
      options.data_in = tunnel->packet.data();
      options.data_size_in = static_cast<__u32>(tunnel->packet.size());
      options.ctx_in = &context;
      options.ctx_size_in = sizeof context;
      ASSERT_EQ(bpf_prog_test_run_opts(program.program().program_fd(true, direction), &options), 0) << strerror(errno);
      const auto events = program.events();
      ASSERT_FALSE(events.empty());
      EXPECT_EQ(events[0].tunnelled != 0, direction == AL_INGRESS || came_in == 0) << came_in << " " << direction;
    }
  }
}

// Valid packets of every kind, to be spoilt.
std::vector<Bytes> templates() {
  std::vector<Bytes> all;
  for (const std::size_t length : {0U, 3U, 100U, 600U})
    for (const Case& one : packet_matrix(random_bytes(length, length + 1))) all.push_back(one.packet);
  all.push_back(Packet().ethernet().ipv4().udp(1, 5004).rtp({}).payload(random_bytes(160, 9)).build());
  all.push_back(Packet()
                    .ethernet()
                    .ipv4()
                    .udp(1, 5004)
                    .rtp({.extension_words = 3, .padding = 4})
                    .payload(random_bytes(200, 9))
                    .build());
  all.push_back(Packet().ethernet().ipv4().udp(1, 2).payload(random_bytes(3000, 9)).build());
  return all;
}

TEST_P(KernelPackets, AMillionSpoiltPacketsAreLetThrough) {
  TestProgram::Setup setup{.build = GetParam()};
  setup.flags = AL_INTERFACE_UPLINK;
  setup.ports = all_but_9998_and_9999();
  setup.ports[5004].format = AL_FORMAT_RTP;
  al_settings loose = settings();
  loose.minimum_payload = 1;
  TestProgram program(loose, setup);
  const std::vector<Bytes> valid = templates();
  std::mt19937_64 random(7);
  std::uint64_t ran = 0;
  for (std::uint64_t number = 0; ran < 1'000'000; ++number) {
    ASSERT_LT(number, 1'200'000U) << "too many packets that the kernel refuses to run";
    Bytes packet = valid[random() % valid.size()];
    const std::uint64_t dice = random();
    const std::size_t reach = std::min<std::size_t>(packet.size(), dice % 4 == 0 ? packet.size() : 64);
    for (std::uint64_t change = 0; change < dice / 4 % 4; ++change) {
      const std::uint64_t value = random();
      packet[value % reach] = static_cast<std::uint8_t>(value >> 32);
    }
    if (dice / 16 % 4 == 0) packet.resize(14 + random() % (packet.size() - 13));
    const RunResult result = program.run(packet, dice / 64 % 8 != 0, dice / 512 % 2 == 0 ? AL_INGRESS : AL_EGRESS);
    if (result.error != 0) continue;
    ++ran;
    ASSERT_EQ(result.return_value, ~0U) << "packet " << number;
    if (number % 4096 == 0) program.events();
  }
  const al_counters in = program.counters(1, AL_INGRESS);
  const al_counters out = program.counters(1, AL_EGRESS);
  std::uint64_t counted = 0;
  for (int verdict = 0; verdict < AL_VERDICTS; ++verdict) counted += in.packets[verdict] + out.packets[verdict];
  EXPECT_EQ(counted, ran);
  program.events();
  EXPECT_EQ(in.emitted + out.emitted, program.received() + in.lost[0] + out.lost[0]);
}

// As under PREEMPT_RT, where a packet may come while another one's scratch memory is in use.
TEST_P(KernelPackets, ScratchMemoryInUseIsLeftAloneAndCounted) {
  TestProgram program(settings(), {.build = GetParam()});
  const Bytes packet = Packet().ethernet().ipv4().udp(1, 2).payload(random_bytes(1000, 4)).build();
  const std::uint32_t key = 0;
  const std::size_t stride = (sizeof(al_scratch) + 7) / 8 * 8;
  Bytes all(stride * static_cast<std::size_t>(libbpf_num_possible_cpus()));
  const auto mark = [&](std::uint32_t busy) {
    ASSERT_EQ(bpf_map_lookup_elem(program.program().scratch_fd(), &key, all.data()), 0);
    for (std::size_t at = 0; at < all.size(); at += stride)
      std::memcpy(all.data() + at + offsetof(al_scratch, busy), &busy, sizeof busy);
    ASSERT_EQ(bpf_map_update_elem(program.program().scratch_fd(), &key, all.data(), BPF_ANY), 0);
  };
  mark(1);
  EXPECT_EQ(program.run(packet).return_value, ~0U);
  EXPECT_EQ(program.counters().packets[AL_BUSY], 1U);
  EXPECT_TRUE(program.events().empty());
  mark(0);
  EXPECT_EQ(program.run(packet).return_value, ~0U);
  EXPECT_EQ(program.counters().packets[AL_SCANNED], 1U);
  EXPECT_FALSE(program.events().empty());
}

TEST_P(KernelPackets, LossIsCountedExactly) {
  TestProgram::Setup setup{.build = GetParam()};
  setup.ring_bytes = 4096;
  TestProgram program(settings(), setup);
  for (std::uint64_t burst = 0; burst < 50; ++burst) {
    for (std::uint64_t number = 0; number < 20; ++number)
      program.run(Packet()
                      .ethernet()
                      .ipv4()
                      .udp(static_cast<std::uint16_t>(burst), static_cast<std::uint16_t>(number))
                      .payload(random_bytes(3000, 100 * burst + number))
                      .build());
    program.events();
  }
  const al_counters counters = program.counters();
  EXPECT_GT(counters.lost[AL_LOST_RING_FULL], 1000U);
  EXPECT_GT(program.received(), 1000U);
  EXPECT_EQ(counters.emitted, program.received() + counters.lost[AL_LOST_RING_FULL]);
}

TEST_P(KernelPackets, BudgetIsKept) {
  al_settings tight = settings();
  tight.budget_bytes_per_second = 1'000'000;  // the bucket holds a tenth of it
  TestProgram program(tight, {.build = GetParam()});
  const Bytes packet = Packet().ethernet().ipv4().udp(1, 2).payload(random_bytes(1000, 4)).build();
  program.run(packet, true, AL_INGRESS, 2000);
  const al_counters counters = program.counters();
  EXPECT_EQ(counters.packets[AL_SCANNED] + counters.packets[AL_BUDGET], 2000U);
  EXPECT_GT(counters.packets[AL_SCANNED], 50U);
  EXPECT_GT(counters.packets[AL_BUDGET], 500U);
}

TEST_P(KernelPackets, OneSenderHoldsAtMostATenthOfTheFlowTable) {
  al_settings small = settings();
  small.maximum_flows = 100;
  TestProgram::Setup setup{.build = GetParam()};
  setup.flags = AL_INTERFACE_UPLINK;
  TestProgram program(small, setup);
  for (std::uint16_t port = 1; port <= 50; ++port)
    program.run(Packet().ethernet().ipv4().tcp(port, 2, 0).payload(random_bytes(100, port)).build());
  EXPECT_EQ(program.counters().trouble[AL_TROUBLE_FLOW_QUOTA], 40U);
}

}  // namespace
}  // namespace audio_latency::test
