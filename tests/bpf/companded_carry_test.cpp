// SPDX-License-Identifier: Apache-2.0
// Runs of the companded domains over packet borders, in the kernel program and in its twin: however TCP and RTP cut the
// audio, whatever is lost.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "support/both_builds.hpp"
#include "support/kernel_and_twin.hpp"

namespace audio_latency::test {
namespace {

class CompandedCarry : public BothBuilds {};
INSTANTIATE_TEST_SUITE_P(Builds, CompandedCarry, both_builds(), build_name);

// A flow's selectivity rises while a stream is sent faster than it plays: compare at the highest k it can reach.
ByDomain strict(const ByDomain& all) {
  ByDomain kept;
  for (const auto& [domain, list] : all)
    for (const Selected& one : list)
      if (one.leading_zeros >= 10) kept[domain].push_back(one);
  return kept;
}

TEST_P(CompandedCarry, AnyCutOfATcpStreamInEitherPhase) {
  const al_settings settings = oracle_settings();
  Both both(settings, GetParam());
  std::uint16_t source = 100;
  for (const auto& [codec, port] : kPortOf) {
    const std::uint32_t step = al_codec_is_linear(codec) != 0 ? 2 : 1;
    for (unsigned seed = 0; seed < 6; ++seed) {
      std::mt19937 random(seed);
      const Bytes audio = random_bytes(12'000, 70 + seed);
      const std::size_t longest = seed % 3 == 0 ? 3 : seed % 3 == 1 ? 130 : 1460;
      // Samples start at even sequence numbers; an odd first byte belongs to a sample that nobody saw.
      const std::uint32_t start = 0xfffff000;
      const std::uint32_t first = seed % 2;
      ByDomain found;
      ++source;
      for (std::size_t at = first; at < audio.size();) {
        const std::size_t length = std::min<std::size_t>(1 + random() % longest, audio.size() - at);
        const Bytes piece(audio.begin() + static_cast<long>(at), audio.begin() + static_cast<long>(at + length));
        const auto sequence = start + static_cast<std::uint32_t>(at);
        both.described.clear();
        both.send(Packet().ethernet().ipv4().tcp(source, port, sequence).payload(piece).build());
        for (const auto& [domain, events] : both.described)
          for (const al_event& event : events)
            found[domain].push_back({event.stream_id - start, event.leading_zeros, event.signature});
        at += length;
      }
      ByDomain whole;
      const std::uint32_t skipped = first == 0 ? 0 : step;
      const Bytes seen(audio.begin() + skipped, audio.end());
      for (const std::uint32_t domain : {AL_DOMAIN_MU_LAW, AL_DOMAIN_A_LAW})
        for (Selected one : select_companded(seen, codec, domain, settings)) {
          one.offset = skipped + one.offset * step + step - 1;
          whole[domain].push_back(one);
        }
      found.erase(AL_DOMAIN_VERBATIM);
      EXPECT_EQ(strict(found), strict(whole)) << "codec " << codec << " seed " << seed;
    }
  }
}

TEST_P(CompandedCarry, RtpFromPayloadToPayload) {
  const al_settings settings = oracle_settings();
  Both both(settings, GetParam());
  std::uint16_t source = 1;
  for (const auto& [codec, type] : kTypeOf) {
    const Bytes audio = random_bytes(160 * 80, 5U + codec);
    const std::uint32_t step = al_codec_is_linear(codec) != 0 ? 2 : 1;
    ByDomain found;
    ++source;
    for (std::uint16_t number = 0; number < 80; ++number) {
      RtpFields rtp;
      rtp.sequence = static_cast<std::uint16_t>(65500 + number);
      rtp.payload_type = type;
      rtp.csrc = number % 3;
      rtp.padding = static_cast<std::uint8_t>(number % 5);
      const auto from = audio.begin() + 160 * number;
      const auto packet =
          both.send(Packet().ethernet().ipv4().udp(source, kRtp).rtp(rtp).payload({from, from + 160}).build());
      for (const auto& [domain, list] : packet)
        for (Selected one : list) {
          if (domain == AL_DOMAIN_VERBATIM) continue;
          one.offset += 160U / step * number;
          found[domain].push_back(one);
        }
    }
    ByDomain whole = expected(audio, codec, settings);
    whole.erase(AL_DOMAIN_VERBATIM);
    EXPECT_EQ(strict(found), strict(whole)) << "codec " << codec;
  }
}

// Only what is in one unbroken run may be signed: whatever else happens to the stream, each companded window that is
// reported is one of the uncut audio's.
TEST_P(CompandedCarry, GapsRepeatsAndOddPayloadsNeverMisHash) {
  const al_settings settings = oracle_settings();
  Both both(settings, GetParam());
  const Bytes audio = random_bytes(60'000, 9);
  ByDomain whole = expected(audio, AL_CODEC_PCM16BE, settings);
  std::map<std::uint64_t, int> known;
  for (const auto& [domain, list] : whole)
    for (const Selected& one : list) ++known[one.signature];
  std::mt19937 random(3);
  std::size_t windows = 0;
  for (std::uint16_t number = 0; number < 150; ++number) {
    const auto dice = random() % 10;
    if (dice == 0) continue;  // lost
    RtpFields rtp;
    rtp.payload_type = 11;
    rtp.sequence = number;
    const auto from = audio.begin() + 400 * number;
    Bytes piece(from, from + 400);
    if (dice == 1) piece.pop_back();
    const Bytes packet = Packet().ethernet().ipv4().udp(9, kRtp).rtp(rtp).payload(piece).build();
    for (int copies = dice == 2 ? 2 : 1; copies > 0; --copies) {
      both.described.clear();
      both.send(packet);
      for (const std::uint32_t domain : {AL_DOMAIN_MU_LAW, AL_DOMAIN_A_LAW})
        for (const al_event& event : both.described[domain]) {
          EXPECT_TRUE(known.contains(event.signature)) << number;
          ++windows;
        }
    }
  }
  EXPECT_GT(windows, 60U);
}

}  // namespace
}  // namespace audio_latency::test
