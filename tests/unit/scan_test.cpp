// SPDX-License-Identifier: Apache-2.0
// Signatures: the known answers of the specification, then properties of the packet scanner.
#include "audio_latency/wire/scan.h"

#include <gtest/gtest.h>

#include <random>

#include "audio_latency/wire/g711.h"
#include "support/scanning.hpp"

namespace audio_latency::test {
namespace {

// Rows of the specification's table.
struct KnownAnswer {
  const char* name;
  std::size_t count;
  std::vector<Selected> first;
};

void expect_known(const std::vector<Selected>& found, const KnownAnswer& known) {
  ASSERT_EQ(found.size(), known.count) << known.name;
  for (std::size_t at = 0; at < known.first.size(); ++at) {
    EXPECT_EQ(found[at].offset, known.first[at].offset) << known.name;
    EXPECT_EQ(found[at].leading_zeros, known.first[at].leading_zeros) << known.name;
    EXPECT_EQ(found[at].signature, known.first[at].signature) << known.name;
  }
}

TEST(Signature, VerbatimKnownAnswers) {
  const auto xxhash = scan_udp(known_input(), oracle_settings());
  expect_known(
      xxhash,
      {"xxhash", 16, {{256, 8, 0x1c78e8dffcfe980a}, {389, 14, 0x7a011d3ead7b8e17}, {589, 9, 0xe9653550ae3cfa55}}});
  EXPECT_EQ(xxhash.back(), (Selected{3811, 8, 0x24767161a9ea8c03}));
  expect_known(scan_udp(known_input(), oracle_settings(AL_ROLLING_HASH)),
               {"rolling_hash",
                16,
                {{256, 8, 0x3feeeafbe27ac94d}, {389, 14, 0x73c07e16f4c0138f}, {589, 9, 0xe5d66e8dcb0feba5}}});
  expect_known(scan_udp(known_input(), oracle_settings(AL_CRC32)),
               {"crc32", 16, {{256, 8, 0x4dee5324}, {389, 14, 0xb69b4b6f}, {589, 9, 0xb829f0d6}}});
}

TEST(Signature, MaskingByAnyRepeatingKeyChangesNothing) {
  Bytes masked = known_input();
  const Bytes key = {0x37, 0xfa, 0x21, 0x3d};
  for (std::size_t at = 0; at < masked.size(); ++at) masked[at] ^= key[at % 4];
  EXPECT_EQ(scan_udp(masked, oracle_settings()), scan_udp(known_input(), oracle_settings()));
}

TEST(Signature, EqualBytesSelectNothing) {
  for (int byte : {0, 1, 0x55, 0x7f, 0xd5, 0xff})
    EXPECT_TRUE(scan_udp(Bytes(4096, static_cast<std::uint8_t>(byte)), oracle_settings()).empty()) << byte;
}

// Companded symbols of `input` read as one codec.
enum class Codec { pcmu, pcma, pcm16le, pcm16be };
Bytes companded(const Bytes& input, Codec codec, std::uint32_t domain) {
  Bytes symbols;
  const auto encode = [&](std::int16_t linear) {
    symbols.push_back(domain == AL_DOMAIN_MU_LAW ? al_mu_law_encode(linear) : al_a_law_encode(linear));
  };
  if (codec == Codec::pcmu)
    for (std::uint8_t code : input) encode(al_mu_law_decode(code));
  if (codec == Codec::pcma)
    for (std::uint8_t code : input) encode(al_a_law_decode(code));
  for (std::size_t at = 0; codec >= Codec::pcm16le && at + 1 < input.size(); at += 2) {
    const bool little = codec == Codec::pcm16le;
    encode(static_cast<std::int16_t>(input[at + (little ? 0 : 1)] | input[at + (little ? 1 : 0)] << 8));
  }
  return symbols;
}

// The companded rows, by the definition's own functions.
std::vector<Selected> scan_companded(Codec codec, std::uint32_t domain) {
  const Bytes symbols = companded(known_input(), codec, domain);
  __u64 gear[256];
  al_gear_fill(gear);
  std::vector<Selected> found;
  __u64 hash = 0;
  for (std::size_t at = 0; at < symbols.size(); ++at) {
    hash = al_roll(hash, gear[symbols[at]], al_roll_shift(64));
    if (at < 63 || hash >= al_threshold(8)) continue;
    const std::uint8_t* window = symbols.data() + at - 63;
    if (al_refuse_companded(window, 64, 32767, 256) != AL_REFUSALS) continue;
    found.push_back(
        {static_cast<std::uint32_t>(at), al_leading_zeros(hash), al_signature(AL_XXHASH, window, 64, hash, domain)});
  }
  return found;
}

TEST(Signature, CompandedKnownAnswers) {
  expect_known(
      scan_companded(Codec::pcmu, AL_DOMAIN_MU_LAW),
      {"mu-law pcmu", 20, {{112, 9, 0xb63c80ffd6e087e2}, {123, 8, 0x809faf7fb7139cd4}, {338, 8, 0x76dce3f95b880a33}}});
  expect_known(scan_companded(Codec::pcma, AL_DOMAIN_MU_LAW),
               {"mu-law pcma",
                14,
                {{205, 8, 0x0bbfebd42c1d4753}, {231, 11, 0x660276e2906cdc22}, {561, 10, 0x23e8cb36051a1965}}});
  expect_known(scan_companded(Codec::pcm16le, AL_DOMAIN_MU_LAW),
               {"mu-law pcm16le",
                9,
                {{281, 8, 0x4a296a97afd5732f}, {294, 9, 0x1f78abd2caa75765}, {556, 9, 0x08573a8a66a490fd}}});
  expect_known(scan_companded(Codec::pcm16be, AL_DOMAIN_MU_LAW),
               {"mu-law pcm16be",
                10,
                {{162, 8, 0xabe6362db3c8dfbf}, {186, 9, 0xa0269d0bdffad1f8}, {559, 8, 0xb8c8491ed0b978c7}}});
  expect_known(
      scan_companded(Codec::pcma, AL_DOMAIN_A_LAW),
      {"A-law pcma", 20, {{112, 9, 0xa3c47fe71dbc40bd}, {123, 8, 0x439eaddabe287511}, {338, 8, 0xafb1a9bbf7fb590d}}});
  expect_known(scan_companded(Codec::pcmu, AL_DOMAIN_A_LAW),
               {"A-law pcmu",
                18,
                {{321, 8, 0x13c07a7a60e6c6c5}, {1101, 13, 0x6d41b2e23f340596}, {1185, 10, 0x20a7fc91c558389e}}});
}

TEST(G711, KnownAnswers) {
  const std::pair<int, int> mu_law[] = {{0, 255},    {1, 255},    {-1, 127},   {8, 254},     {-8, 126},  {100, 242},
                                        {-100, 114}, {1000, 206}, {-1000, 78}, {32767, 128}, {-32768, 0}};
  for (const auto& [linear, code] : mu_law) EXPECT_EQ(al_mu_law_encode(static_cast<__s16>(linear)), code) << linear;
  const std::pair<int, int> a_law[] = {{0, 213},   {1, 213},    {-1, 85},     {16, 212},    {-16, 85},   {100, 211},
                                       {-100, 83}, {1000, 250}, {-1000, 122}, {32767, 170}, {-32768, 42}};
  for (const auto& [linear, code] : a_law) EXPECT_EQ(al_a_law_encode(static_cast<__s16>(linear)), code) << linear;
}

TEST(G711, RoundTrips) {
  for (int code = 0; code < 256; ++code) {
    EXPECT_EQ(al_mu_law_encode(al_mu_law_decode(static_cast<__u8>(code))), code == 0x7f ? 0xff : code);
    EXPECT_EQ(al_a_law_encode(al_a_law_decode(static_cast<__u8>(code))), code);
  }
}

TEST(Scanner, AgreesWithTheOracleForEveryAlgorithmAndWindow) {
  std::size_t windows = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const auto algorithm = static_cast<al_algorithm>(seed % 3);
    const auto window = static_cast<std::uint8_t>(16 << seed / 3 % 3);
    const al_settings settings = oracle_settings(algorithm, window, static_cast<std::uint8_t>(8 + seed / 9 % 4));
    const Bytes payload = random_bytes(seed * 37 % 3401 + 1, seed);
    const auto expected = select_verbatim(payload, settings);
    EXPECT_EQ(scan_udp(payload, settings), expected) << "seed " << seed;
    windows += expected.size();
  }
  EXPECT_GT(windows, 500U);
}

TEST(Scanner, SelectivityIsNested) {
  const auto loose = scan_udp(known_input(), oracle_settings(AL_XXHASH, 64, 8));
  for (std::uint8_t selectivity = 9; selectivity <= 16; ++selectivity) {
    std::vector<Selected> expected;
    for (const Selected& one : loose)
      if (one.leading_zeros >= selectivity) expected.push_back(one);
    EXPECT_EQ(scan_udp(known_input(), oracle_settings(AL_XXHASH, 64, selectivity)), expected);
  }
}

TEST(Scanner, RefusalsAreCounted) {
  // Two symbols only: many positions are selected for some pair, none passes the gate.
  al_settings settings = oracle_settings();
  PacketScanner scanner(settings, *all_ports());
  Collector sink;
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    Bytes payload(1400, 0);
    __u64 state = seed;
    for (std::uint8_t& byte : payload) byte = (al_splitmix64(&state) & 1) != 0 ? 0x11 : static_cast<std::uint8_t>(seed);
    const Bytes packet = Packet().ethernet().ipv4().udp(1, 2).payload(payload).build();
    scanner.scan(captured(packet), sink);
  }
  EXPECT_TRUE(sink.seen.empty());
  EXPECT_GT(scanner.counters().refused[AL_REFUSED_FEW_SYMBOLS], 0U);
  EXPECT_GT(scanner.counters().refused[AL_REFUSED_SILENCE], 0U);
  EXPECT_EQ(scanner.counters().emitted, 0U);
}

}  // namespace
}  // namespace audio_latency::test
