// SPDX-License-Identifier: Apache-2.0
// The companded domains in the kernel program and in its twin, against the specification's known answers and the
// oracle: every codec, algorithm and window.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/both_builds.hpp"
#include "support/kernel_and_twin.hpp"

namespace audio_latency::test {
namespace {

class Companded : public BothBuilds {};
INSTANTIATE_TEST_SUITE_P(Builds, Companded, both_builds(), build_name);

Bytes udp_to(std::uint16_t from, std::uint16_t port, const Bytes& audio) {
  return Packet().ethernet().ipv4().udp(from, port).payload(audio).build();
}

TEST_P(Companded, KnownAnswers) {
  Both both(oracle_settings(), GetParam());
  const Bytes input = random_bytes(3400, 1);
  const auto first = [&](al_codec codec, std::uint32_t domain) {
    return both.send(udp_to(static_cast<std::uint16_t>(100 + codec), kPortOf.at(codec), input))[domain].at(0);
  };
  EXPECT_EQ(first(AL_CODEC_PCMU, 2), (Selected{112, 9, 0xb63c80ffd6e087e2}));
  EXPECT_EQ(first(AL_CODEC_PCMA, 2), (Selected{205, 8, 0x0bbfebd42c1d4753}));
  EXPECT_EQ(first(AL_CODEC_PCM16LE, 2), (Selected{281, 8, 0x4a296a97afd5732f}));
  EXPECT_EQ(first(AL_CODEC_PCM16BE, 2), (Selected{162, 8, 0xabe6362db3c8dfbf}));
  EXPECT_EQ(first(AL_CODEC_PCMA, 3), (Selected{112, 9, 0xa3c47fe71dbc40bd}));
  EXPECT_EQ(first(AL_CODEC_PCMU, 3), (Selected{321, 8, 0x13c07a7a60e6c6c5}));
}

// Audio of one kind or another: noise, quiet noise (the silence gate), few codes, a slow wave.
Bytes some_audio(std::uint64_t seed, std::size_t most) {
  std::mt19937_64 random(seed);
  Bytes audio = random_bytes(random() % most + 1, seed);
  for (std::size_t at = 0; at < audio.size(); ++at) {
    if (seed % 5 == 1) audio[at] = at % 2 == 0 ? static_cast<std::uint8_t>(audio[at] & 0x3f) : 0;
    if (seed % 5 == 2) audio[at] &= 0x31;
    if (seed % 5 == 3) audio[at] |= 0xf0;
  }
  return audio;
}

TEST_P(Companded, EveryCodecAlgorithmAndWindow) {
  std::size_t windows = 0;
  std::uint64_t number = 1;
  for (const al_algorithm algorithm : {AL_XXHASH, AL_ROLLING_HASH, AL_CRC32}) {
    for (const std::uint8_t window : {16, 32, 64}) {
      const al_settings settings = oracle_settings(algorithm, window, static_cast<std::uint8_t>(8 + number % 2));
      Both both(settings, GetParam());
      for (int round = 0; round < 40; ++round) {
        for (const auto& [codec, port] : kPortOf) {
          const Bytes audio = some_audio(++number, 3400);
          const auto found = both.send(udp_to(static_cast<std::uint16_t>(10'000 + number), port, audio));
          ASSERT_EQ(found, expected(audio, codec, settings)) << "codec " << codec << " number " << number;
          for (const auto& [domain, list] : found) windows += list.size();
        }
      }
      EXPECT_EQ(both.program().counters().refused[AL_REFUSED_SILENCE], both.twin().counters().refused[0]);
      EXPECT_EQ(both.program().counters().refused[AL_REFUSED_FEW_SYMBOLS], both.twin().counters().refused[1]);
    }
  }
  EXPECT_GT(windows, 10'000U);
}

TEST_P(Companded, ALawDomainWaitsForPcma) {
  Both both(oracle_settings(), GetParam(), declared(Tristate::automatic));
  const Bytes audio = random_bytes(3000, 2);
  EXPECT_FALSE(both.send(udp_to(1, kPcmu, audio)).contains(AL_DOMAIN_A_LAW));
  EXPECT_TRUE(both.send(udp_to(2, kPcma, audio)).contains(AL_DOMAIN_A_LAW));
  EXPECT_TRUE(both.send(udp_to(3, kPcmu, audio)).contains(AL_DOMAIN_A_LAW));
  Both never(oracle_settings(), GetParam(), declared(Tristate::no));
  EXPECT_FALSE(never.send(udp_to(2, kPcma, audio)).contains(AL_DOMAIN_A_LAW));
}

TEST_P(Companded, EventsTellPeakAndZeroCrossings) {
  Both both(oracle_settings(), GetParam());
  Bytes audio = random_bytes(2000, 4);
  for (std::size_t at = 1; at < audio.size(); at += 2) audio[at] &= 0x0f;  // 0 to 4095: no crossings
  both.send(udp_to(1, kLittle, audio));
  ASSERT_FALSE(both.described[AL_DOMAIN_MU_LAW].empty());
  for (const al_event& event : both.described[AL_DOMAIN_MU_LAW]) {
    EXPECT_EQ(event.zero_crossings, 0);
    EXPECT_GT(event.peak, 3000);
    EXPECT_LT(event.peak, 4300);
  }
  for (std::size_t at = 3; at < audio.size(); at += 4) audio[at] |= 0x80;  // every other sample is negative
  both.described.clear();
  both.send(udp_to(2, kLittle, audio));
  ASSERT_FALSE(both.described[AL_DOMAIN_MU_LAW].empty());
  for (const al_event& event : both.described[AL_DOMAIN_MU_LAW]) EXPECT_EQ(event.zero_crossings, 63);
}

TEST_P(Companded, OtherPayloadTypesAndPacketsAreBytes) {
  Both both(oracle_settings(), GetParam());
  const Bytes audio = random_bytes(3000, 6);
  for (const std::uint8_t type : {13, 31, 96, 127}) {
    RtpFields rtp;
    rtp.payload_type = type;
    const auto found = both.send(Packet().ethernet().ipv4().udp(type, kRtp).rtp(rtp).payload(audio).build());
    EXPECT_EQ(found.size(), 1U);
    EXPECT_TRUE(found.contains(AL_DOMAIN_VERBATIM));
  }
}

}  // namespace
}  // namespace audio_latency::test
