// SPDX-License-Identifier: Apache-2.0
// The companded domains in the kernel program and in its twin, against the specification's known answers and the
// oracle: every codec, algorithm and window, over UDP, TCP and RTP, however the audio is cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "audio_latency/wire/companding.h"
#include "support/bpf_program.hpp"
#include "support/oracle.hpp"
#include "support/scanning.hpp"

namespace audio_latency::test {
namespace {

constexpr std::uint16_t kPcmu = 4001, kPcma = 4002, kLittle = 4003, kBig = 4004, kRtp = 5004;
const std::map<al_codec, std::uint16_t> kPortOf = {
    {AL_CODEC_PCMU, kPcmu}, {AL_CODEC_PCMA, kPcma}, {AL_CODEC_PCM16LE, kLittle}, {AL_CODEC_PCM16BE, kBig}};
const std::map<al_codec, std::uint8_t> kTypeOf = {
    {AL_CODEC_PCMU, 0}, {AL_CODEC_PCMA, 8}, {AL_CODEC_PCM16LE, 97}, {AL_CODEC_PCM16BE, 11}};

Options declared(Tristate a_law = Tristate::yes) {
  Options options;
  options.audio_ports = {{kPcmu, AL_FORMAT_PCMU},
                         {kPcma, AL_FORMAT_PCMA},
                         {kLittle, AL_FORMAT_PCM16LE},
                         {kBig, AL_FORMAT_PCM16BE},
                         {kRtp, AL_FORMAT_RTP}};
  options.rtp_payload_types = {{97, AL_CODEC_PCM16LE}};
  options.a_law_domain = a_law;
  return options;
}

using ByDomain = std::map<std::uint32_t, std::vector<Selected>>;

// The kernel program and the twin, fed the same packets.
class Both {
 public:
  Both(const al_settings& settings, ProgramBuild build, const Options& options = declared())
      : program_(settings, {.build = build,
                            .ports = options.audio_ports,
                            .types = options.rtp_payload_types,
                            .a_law = options.a_law_domain}) {
    const auto table = std::make_unique<al_port_table>();
    fill_port_table(options, *table);
    twin_ = std::make_unique<PacketScanner>(settings, *table);
  }

  // Selected windows of one packet by domain; the same from both.
  ByDomain send(const Bytes& packet) {
    program_.run(packet);
    CapturedPacket one = captured(packet);
    one.loopback = true;
    Collector sink;
    twin_->scan(one, sink);
    ByDomain kernel, twin;
    for (const al_event& event : program_.events()) {
      kernel[event.domain].push_back({event.offset, event.leading_zeros, event.signature});
      described[event.domain].push_back(event);
    }
    for (const Observation& seen : sink.seen)
      twin[static_cast<std::uint32_t>(seen.domain)].push_back({seen.packet.offset, seen.leading_zeros, seen.signature});
    EXPECT_EQ(kernel, twin);
    return kernel;
  }
  const TestProgram& program() const { return program_; }
  const PacketScanner& twin() const { return *twin_; }

  ByDomain streams;  // for tests that collect
  std::map<std::uint32_t, std::vector<al_event>> described;

 private:
  TestProgram program_;
  std::unique_ptr<PacketScanner> twin_;
};

class Companded : public testing::TestWithParam<ProgramBuild> {
 protected:
  void SetUp() override {
    if (const std::string missing = missing_privilege(); !missing.empty()) GTEST_SKIP() << missing;
  }
};
INSTANTIATE_TEST_SUITE_P(Builds, Companded, testing::Values(ProgramBuild::full, ProgramBuild::bounded),
                         [](const auto& given) { return given.param == ProgramBuild::full ? "full" : "bounded"; });

ByDomain expected(const Bytes& audio, al_codec codec, const al_settings& settings) {
  ByDomain all;
  const auto put = [&](std::uint32_t domain, std::vector<Selected> found) {
    if (!found.empty()) all[domain] = std::move(found);
  };
  put(AL_DOMAIN_VERBATIM, select_verbatim(audio, settings));
  put(AL_DOMAIN_MU_LAW, select_companded(audio, codec, AL_DOMAIN_MU_LAW, settings));
  put(AL_DOMAIN_A_LAW, select_companded(audio, codec, AL_DOMAIN_A_LAW, settings));
  return all;
}

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

// A flow's selectivity rises while a stream is sent faster than it plays: compare at the highest k it can reach.
ByDomain strict(const ByDomain& all) {
  ByDomain kept;
  for (const auto& [domain, list] : all)
    for (const Selected& one : list)
      if (one.leading_zeros >= 10) kept[domain].push_back(one);
  return kept;
}

TEST_P(Companded, AnyCutOfATcpStreamInEitherPhase) {
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

TEST_P(Companded, RtpFromPayloadToPayload) {
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
TEST_P(Companded, GapsRepeatsAndOddPayloadsNeverMisHash) {
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
