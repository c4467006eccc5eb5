// SPDX-License-Identifier: Apache-2.0
// Runs go on from packet to packet: any cut of a stream gives the windows of the uncut stream.
#include <gtest/gtest.h>

#include <random>

#include "support/both_builds.hpp"
#include "support/bpf_program.hpp"
#include "support/oracle.hpp"

namespace audio_latency::test {
namespace {

class KernelCarry : public BothBuilds {};
INSTANTIATE_TEST_SUITE_P(Builds, KernelCarry, both_builds(), build_name);

// The flow's selectivity rises while the stream is sent faster than it plays: compare at the highest k it can reach.
std::vector<Selected> strict(const std::vector<Selected>& all) {
  std::vector<Selected> kept;
  for (const Selected& one : all)
    if (one.leading_zeros >= 10) kept.push_back(one);
  return kept;
}

TEST_P(KernelCarry, AnyCutOfATcpStream) {
  for (const std::uint8_t window : {16, 32, 64}) {
    const al_settings settings = oracle_settings(AL_XXHASH, window, 8);
    TestProgram program(settings, {.build = GetParam()});
    for (unsigned seed = 0; seed < 12; ++seed) {
      std::mt19937 random(seed);
      const std::uint32_t start = 0xfffff000 + seed;
      const Bytes stream = random_bytes(8000, 50 + seed);
      std::vector<Selected> found;
      const std::size_t longest = seed % 4 == 0 ? 3 : seed % 4 == 1 ? 70 : seed % 4 == 2 ? 600 : 3300;
      for (std::size_t at = 0; at < stream.size();) {
        const std::size_t length = std::min<std::size_t>(1 + random() % longest, stream.size() - at);
        const Bytes piece(stream.begin() + static_cast<long>(at), stream.begin() + static_cast<long>(at + length));
        program.run(Packet()
                        .ethernet()
                        .ipv4()
                        .tcp(static_cast<std::uint16_t>(seed + 100), 2, start + static_cast<std::uint32_t>(at))
                        .payload(piece)
                        .build());
        at += length;
      }
      for (const al_event& event : program.events())
        found.push_back({event.stream_id - start, event.leading_zeros, event.signature});
      EXPECT_EQ(strict(found), strict(select_verbatim(stream, settings))) << "window " << int{window} << " " << seed;
    }
  }
}

// Headers of any length stand where the flow's tail goes.
TEST_P(KernelCarry, AnyCutBehindAnyHeaders) {
  const al_settings settings = oracle_settings();
  TestProgram program(settings, {.build = GetParam()});
  std::uint16_t source = 100;
  for (const std::size_t options : {0, 12, 32, 40}) {
    for (const std::size_t longest : {30, 60, 200, 500}) {
      std::mt19937 random(source);
      const Bytes stream = random_bytes(12'000, source);
      std::vector<Selected> found;
      ++source;
      for (std::size_t at = 0; at < stream.size();) {
        const std::size_t length = std::min<std::size_t>(1 + random() % longest, stream.size() - at);
        const Bytes piece(stream.begin() + static_cast<long>(at), stream.begin() + static_cast<long>(at + length));
        const auto sequence = static_cast<std::uint32_t>(at);
        program.run(Packet().ethernet().ipv6().tcp(source, 2, sequence, options).payload(piece).build());
        at += length;
      }
      for (const al_event& event : program.events())
        found.push_back({event.stream_id, event.leading_zeros, event.signature});
      EXPECT_EQ(strict(found), strict(select_verbatim(stream, settings))) << options << " " << longest;
    }
  }
}

TEST_P(KernelCarry, RtpFromPayloadToPayload) {
  const al_settings settings = oracle_settings();
  TestProgram::Setup setup{.build = GetParam()};
  setup.ports = {{5004, AL_FORMAT_RTP}};
  TestProgram program(settings, setup);
  const Bytes audio = random_bytes(160 * 200, 5);
  std::vector<Selected> found;
  for (std::uint16_t number = 0; number < 200; ++number) {
    RtpFields rtp;
    rtp.sequence = static_cast<std::uint16_t>(65500 + number);
    rtp.csrc = number % 3;
    rtp.extension_words = number % 4 == 0 ? -1 : number % 50;
    rtp.padding = static_cast<std::uint8_t>(number % 5);
    const auto from = audio.begin() + 160 * number;
    program.run(Packet().ethernet().ipv4().udp(1, 5004).rtp(rtp).payload({from, from + 160}).build());
    const std::uint32_t header =
        12 + 4 * (number % 3) + (rtp.extension_words < 0 ? 0 : 4 + 4 * static_cast<std::uint32_t>(rtp.extension_words));
    for (const al_event& event : program.events()) {
      if (event.domain != AL_DOMAIN_VERBATIM) continue;
      EXPECT_EQ(event.identity, AL_IDENTITY_RTP);
      EXPECT_EQ(event.rtp_sequence, rtp.sequence);
      EXPECT_EQ(event.stream_id, rtp.ssrc);
      found.push_back({event.offset - header + 160U * number, event.leading_zeros, event.signature});
    }
  }
  EXPECT_EQ(strict(found), strict(select_verbatim(audio, settings)));
}

TEST_P(KernelCarry, AGapEndsTheRunAndALatePacketDoesNot) {
  const al_settings settings = oracle_settings();
  TestProgram program(settings, {.build = GetParam()});
  const Bytes stream = random_bytes(3000, 77);
  const auto send = [&](std::size_t from, std::size_t to) {
    program.run(Packet()
                    .ethernet()
                    .ipv4()
                    .tcp(1, 2, static_cast<std::uint32_t>(from))
                    .payload({stream.begin() + static_cast<long>(from), stream.begin() + static_cast<long>(to)})
                    .build());
    std::vector<Selected> found;
    for (const al_event& event : program.events())
      found.push_back({event.stream_id, event.leading_zeros, event.signature});
    return found;
  };
  auto found = send(0, 1000);
  EXPECT_EQ(send(0, 1000), found);  // retransmitted
  const auto rest = send(900, 2000);
  found.insert(found.end(), rest.begin(), rest.end());
  EXPECT_EQ(found, select_verbatim({stream.begin(), stream.begin() + 2000}, settings));
  auto alone = select_verbatim({stream.begin() + 2010, stream.end()}, settings);
  for (Selected& one : alone) one.offset += 2010;
  EXPECT_EQ(send(2010, 3000), alone);
}

}  // namespace
}  // namespace audio_latency::test
