// SPDX-License-Identifier: Apache-2.0
// The scan of decoded audio: known answers of signature-spec in every domain, any cut, and the places on the wire.
#include <gtest/gtest.h>

#include <random>

#include "audio_latency/wire/g711.h"
#include "format_scan.hpp"
#include "support/format_world.hpp"
#include "support/scanning.hpp"

namespace audio_latency::test {
namespace {

constexpr std::uint32_t kStart = 0xfffffe00;  // sequence numbers wrap within the test

// Observations of one domain when `stream` comes in pieces of at most `longest` bytes (0: in one).
std::vector<Observation> scanned(const Bytes& stream, al_codec codec, const al_settings& settings, Domain domain,
                                 unsigned longest = 0, unsigned seed = 0) {
  Collector sink;
  AudioScanner scanner(settings, sink);
  scanner.set_a_law(true);
  AudioRun run;
  std::mt19937 random(seed);
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t most = longest == 0 ? stream.size() : 1 + random() % longest;
    const std::size_t length = std::min(most, stream.size() - at);
    const Bytes piece(stream.begin() + static_cast<long>(at), stream.begin() + static_cast<long>(at + length));
    const std::uint32_t sequence = kStart + static_cast<std::uint32_t>(at);
    scanner.scan(run, codec, piece, {sequence}, segment(piece, sequence));
    at += length;
  }
  std::erase_if(sink.seen, [&](const Observation& one) { return one.domain != domain; });
  return sink.seen;
}

std::vector<Selected> selected(const std::vector<Observation>& seen, std::uint32_t symbol_bytes) {
  std::vector<Selected> all;
  all.reserve(seen.size());
  for (const Observation& one : seen)
    all.push_back({(one.packet.stream_id - kStart) / symbol_bytes, one.leading_zeros, one.signature});
  return all;
}

struct KnownAnswer {
  Domain domain;
  al_codec codec;
  std::size_t count;
  std::vector<Selected> first;
};

const std::vector<KnownAnswer>& known_answers() {
  static const std::vector<KnownAnswer> answers = {
      {Domain::verbatim, AL_CODEC_UNKNOWN, 16, {{256, 8, 0x1c78e8dffcfe980a}, {389, 14, 0x7a011d3ead7b8e17}}},
      {Domain::mu_law, AL_CODEC_PCMU, 20, {{112, 9, 0xb63c80ffd6e087e2}, {123, 8, 0x809faf7fb7139cd4}}},
      {Domain::mu_law, AL_CODEC_PCMA, 14, {{205, 8, 0x0bbfebd42c1d4753}, {231, 11, 0x660276e2906cdc22}}},
      {Domain::mu_law, AL_CODEC_PCM16LE, 9, {{281, 8, 0x4a296a97afd5732f}, {294, 9, 0x1f78abd2caa75765}}},
      {Domain::mu_law, AL_CODEC_PCM16BE, 10, {{162, 8, 0xabe6362db3c8dfbf}, {186, 9, 0xa0269d0bdffad1f8}}},
      {Domain::a_law, AL_CODEC_PCMA, 20, {{112, 9, 0xa3c47fe71dbc40bd}, {123, 8, 0x439eaddabe287511}}},
      {Domain::a_law, AL_CODEC_PCMU, 18, {{321, 8, 0x13c07a7a60e6c6c5}, {1101, 13, 0x6d41b2e23f340596}}},
  };
  return answers;
}

std::uint32_t bytes_per_symbol(const KnownAnswer& answer) {
  const bool wide = answer.codec == AL_CODEC_PCM16LE || answer.codec == AL_CODEC_PCM16BE;
  return answer.domain != Domain::verbatim && wide ? 2 : 1;
}

TEST(FormatScan, KnownAnswersOfTheSpecification) {
  for (const KnownAnswer& answer : known_answers()) {
    const auto found =
        selected(scanned(known_input(), answer.codec, oracle_settings(), answer.domain), bytes_per_symbol(answer));
    ASSERT_EQ(found.size(), answer.count) << to_string(answer.domain) << " " << answer.codec;
    for (std::size_t i = 0; i < answer.first.size(); ++i) EXPECT_EQ(found[i], answer.first[i]);
  }
}

TEST(FormatScan, AnyCutGivesTheWindowsOfTheUncutStream) {
  for (const KnownAnswer& answer : known_answers()) {
    for (const std::uint8_t window : {16, 32, 64}) {
      const al_settings settings = oracle_settings(AL_XXHASH, window);
      const auto whole = selected(scanned(known_input(), answer.codec, settings, answer.domain), 1);
      EXPECT_FALSE(whole.empty());
      for (unsigned seed = 0; seed < 9; ++seed) {
        const unsigned longest = seed % 3 == 0 ? 3 : seed % 3 == 1 ? 70 : 1460;
        EXPECT_EQ(selected(scanned(known_input(), answer.codec, settings, answer.domain, longest, seed), 1), whole)
            << to_string(answer.domain) << " " << answer.codec << " window " << int{window} << " seed " << seed;
      }
    }
  }
}

TEST(FormatScan, EveryAlgorithmAsTheOracleHasIt) {
  for (const al_algorithm algorithm : {AL_XXHASH, AL_ROLLING_HASH, AL_CRC32}) {
    const al_settings settings = oracle_settings(algorithm);
    EXPECT_EQ(selected(scanned(known_input(), AL_CODEC_UNKNOWN, settings, Domain::verbatim), 1),
              select_verbatim(known_input(), settings));
  }
}

TEST(FormatScan, TheRunEndsAtAGap) {
  Collector sink;
  AudioScanner scanner(oracle_settings(), sink);
  AudioRun run;
  const Bytes input = known_input();
  const Bytes front(input.begin(), input.begin() + 2001);
  const Bytes back(input.begin() + 2001, input.end());
  scanner.scan(run, AL_CODEC_PCM16LE, front, {0}, segment(front, 0));
  run.end();
  sink.seen.clear();
  scanner.scan(run, AL_CODEC_PCM16LE, back, {kStart}, segment(back, kStart));
  std::erase_if(sink.seen, [](const Observation& one) { return one.domain != Domain::verbatim; });
  EXPECT_EQ(selected(sink.seen, 1), select_verbatim(back, oracle_settings()));
}

TEST(FormatScan, ThePlaceIsThatOfTheCharacterThatCompletedTheByte) {
  EXPECT_EQ((Places{100, 1, 1}.at(7)), 107U);
  EXPECT_EQ((Places{100, 2, 1}.at(0)), 101U);
  EXPECT_EQ((Places{100, 2, 1}.at(3)), 107U);
  EXPECT_EQ((Places{100, 4, 3}.at(0)), 101U);
  EXPECT_EQ((Places{100, 4, 3}.at(2)), 103U);
  EXPECT_EQ((Places{100, 4, 3}.at(3)), 105U);
  EXPECT_EQ((Places{100, 4, 3}.from(6).first), 108U);
}

TEST(FormatScan, ObservationsTellTheirPacket) {
  const Bytes input = known_input();
  Collector sink;
  AudioScanner scanner(oracle_settings(), sink);
  AudioRun run;
  for (std::size_t at = 0; at < input.size(); at += 128) {
    const Bytes piece(input.begin() + static_cast<long>(at), input.begin() + static_cast<long>(at) + 128);
    scanner.scan(run, AL_CODEC_PCMU, piece, {static_cast<std::uint32_t>(at)},
                 segment(piece, static_cast<std::uint32_t>(at), 1000 + at));
  }
  ASSERT_FALSE(sink.seen.empty());
  for (const Observation& one : sink.seen) {
    EXPECT_EQ(one.time, 1000 + one.packet.stream_id / 128 * 128);
    EXPECT_EQ(one.packet.offset, one.packet.stream_id % 128);
    EXPECT_EQ(one.packet.kind, AL_IDENTITY_TCP);
  }
}

TEST(FormatScan, SilenceAndFewSymbolsAreRefusedAndCounted) {
  Collector sink;
  al_settings settings = oracle_settings();
  settings.silence_threshold = 4000;
  AudioScanner scanner(settings, sink);
  AudioRun run;
  Bytes quiet;  // codes of small values only
  for (const std::uint8_t byte : random_bytes(60'000, 3))
    quiet.push_back(static_cast<std::uint8_t>(0xc0 | (byte & 0xbf)));
  scanner.scan(run, AL_CODEC_PCMU, quiet, {0}, segment(quiet, 0));
  std::erase_if(sink.seen, [](const Observation& one) { return one.domain != Domain::mu_law; });
  EXPECT_TRUE(sink.seen.empty());
  EXPECT_GT(scanner.counters().refused[AL_REFUSED_SILENCE], 0U);
  const Bytes zeros(10'000, 0);
  run.end();
  EXPECT_EQ(scanner.scan(run, AL_CODEC_PCM16LE, zeros, {0}, segment(zeros, 0)), 0U);
}

TEST(FormatScan, ABusyFlowRaisesItsSelectivity) {
  Collector sink;
  AudioScanner scanner(oracle_settings(), sink);
  AudioRun run;
  for (unsigned second = 1; second <= 6; ++second) {
    sink.seen.clear();
    const Bytes bytes = random_bytes(64'000, second);
    scanner.scan(run, AL_CODEC_UNKNOWN, bytes, {0}, segment(bytes, 0, second * 1'100'000'000ULL));
  }
  EXPECT_LT(sink.seen.size(), 90U);  // 250 at k = 8
  EXPECT_FALSE(sink.seen.empty());
}

}  // namespace
}  // namespace audio_latency::test
