// SPDX-License-Identifier: Apache-2.0
// What a stream of decoded audio is, and that the same sound gives the same signatures in every codec.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "audio_latency/wire/g711.h"
#include "format_track.hpp"
#include "support/format_wire.hpp"
#include "support/format_world.hpp"
#include "support/scanning.hpp"
#include "support/scenario_audio.hpp"

namespace audio_latency::test {
namespace {

using scenario::Samples;

Samples call(double seconds = 4, std::uint64_t seed = 5) {
  scenario::Random random(seed);
  Samples samples = scenario::speech(random, seconds, 8000);
  for (auto& sample : samples) sample = al_mu_law_decode(al_mu_law_encode(sample));  // from a telephone line
  return samples;
}

Bytes encoded(const Samples& samples, al_codec codec) {
  Bytes bytes;
  for (const std::int16_t sample : samples) {
    const auto word = static_cast<std::uint16_t>(sample);
    const auto low = static_cast<std::uint8_t>(word);
    const auto high = static_cast<std::uint8_t>(word >> 8);
    if (codec == AL_CODEC_PCMU)
      bytes.push_back(al_mu_law_encode(sample));
    else if (codec == AL_CODEC_PCMA)
      bytes.push_back(al_a_law_encode(sample));
    else
      append(bytes, codec == AL_CODEC_PCM16LE ? Bytes{low, high} : Bytes{high, low});
  }
  return bytes;
}

struct World {
  Collector sink;
  AudioScanner scanner{oracle_settings(), sink};
  DecodeStatus status;
  AudioTracks tracks{scanner, status};

  void feed(const Bytes& bytes, std::size_t piece, const AudioFormat& said = {}, TrackId id = 1) {
    tracks.begin(id, said);
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      const auto size = static_cast<long>(std::min(piece, bytes.size() - at));
      const Bytes part(bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(at) + size);
      const Payload packet = segment(part, static_cast<std::uint32_t>(at));
      tracks.set_packet(&packet);
      tracks.audio(id, part, {static_cast<std::uint32_t>(at)});
    }
    tracks.set_packet(nullptr);
  }
  std::set<std::uint64_t> signatures(Domain domain) const {
    std::set<std::uint64_t> found;
    for (const Observation& one : sink.seen)
      if (one.domain == domain) found.insert(one.signature);
    return found;
  }
};

TEST(AudioTrack, TheCodecIsToldByTheSamples) {
  for (const al_codec codec : {AL_CODEC_PCMU, AL_CODEC_PCMA, AL_CODEC_PCM16LE, AL_CODEC_PCM16BE}) {
    World world;
    world.feed(encoded(call(), codec), 160);
    ASSERT_NE(world.tracks.main(), nullptr);
    EXPECT_EQ(world.tracks.main()->content(), AudioTrack::Content::audio);
    EXPECT_EQ(world.tracks.main()->format().codec, codec);
  }
}

TEST(AudioTrack, TheSameSoundGivesTheSameSignaturesInEveryCodec) {
  World mu;
  mu.feed(encoded(call(), AL_CODEC_PCMU), 160, {AL_CODEC_PCMU, 8000, 1});
  const auto expected = mu.signatures(Domain::mu_law);
  ASSERT_GT(expected.size(), 50U);
  for (const al_codec codec : {AL_CODEC_PCM16LE, AL_CODEC_PCM16BE}) {
    World other;
    other.feed(encoded(call(), codec), 641, {codec, 8000, 1});
    EXPECT_EQ(other.signatures(Domain::mu_law), expected);
  }
}

TEST(AudioTrack, AWaveHeaderIsReadAndNotScanned) {
  struct Case {
    std::uint16_t tag, bits;
    al_codec codec;
  };
  for (const Case& each : {Case{1, 16, AL_CODEC_PCM16LE}, Case{7, 8, AL_CODEC_PCMU}, Case{6, 8, AL_CODEC_PCMA}}) {
    const Bytes audio = encoded(call(), each.codec);
    Bytes file = wav_header(each.tag, 1, 8000, each.bits);
    append(file, audio);
    World plain;
    plain.feed(audio, 500, {each.codec, 8000, 1});
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{1460}}) {
      World world;
      world.feed(file, piece);
      EXPECT_EQ(world.tracks.main()->format().codec, each.codec);
      EXPECT_EQ(world.tracks.main()->format().rate, 8000U);
      EXPECT_EQ(world.signatures(Domain::mu_law), plain.signatures(Domain::mu_law));
      EXPECT_NE(world.status.layers & kLayerWav, 0);
    }
  }
}

TEST(AudioTrack, CompressedFilesAreScannedVerbatimOnly) {
  World world;
  Bytes file = bytes_of("OggS");
  append(file, random_bytes(20'000, 1));
  world.feed(file, 1000);
  EXPECT_EQ(world.tracks.main()->content(), AudioTrack::Content::compressed);
  EXPECT_FALSE(world.signatures(Domain::verbatim).empty());
  EXPECT_TRUE(world.signatures(Domain::mu_law).empty());
}

TEST(AudioTrack, WhatIsNoSoundIsNotScanned) {
  for (const Bytes& bytes :
       {random_bytes(40'000, 3), bytes_of(std::string(20'000, 'x') + base64(random_bytes(20'000, 4)))}) {
    World world;
    world.feed(bytes, 1000);
    EXPECT_EQ(world.tracks.main()->content(), AudioTrack::Content::not_audio);
    EXPECT_TRUE(world.signatures(Domain::mu_law).empty());
  }
}

TEST(AudioTrack, SilenceDecidesNothing) {
  World world;
  world.feed(Bytes(100'000, 0xff), 320);
  EXPECT_EQ(world.tracks.main()->content(), AudioTrack::Content::unknown);
  EXPECT_TRUE(world.sink.seen.empty());
}

TEST(AudioTrack, AnotherCodecIsNoticed) {
  World world;
  world.feed(encoded(call(20, 1), AL_CODEC_PCMU), 160);
  EXPECT_EQ(world.tracks.main()->format().codec, AL_CODEC_PCMU);
  world.feed(encoded(call(20, 2), AL_CODEC_PCM16LE), 320);
  EXPECT_EQ(world.tracks.main()->format().codec, AL_CODEC_PCM16LE);
}

// A service's calls over one HTTP/2 connection: a message of each in turn.
TEST(AudioTrack, AHundredTracksInTurnAreToldApart) {
  constexpr TrackId kCalls = 100;
  constexpr std::size_t kPiece = 320;
  World all;
  std::vector<Bytes> calls;
  for (TrackId id = 0; id < kCalls; ++id) calls.push_back(encoded(call(3, id + 1), AL_CODEC_PCM16LE));
  for (std::size_t at = 0; at + kPiece <= calls[0].size(); at += kPiece) {
    for (TrackId id = 0; id < kCalls; ++id) {
      const auto begin = calls[id].begin() + static_cast<long>(at);
      const Bytes part(begin, begin + static_cast<long>(kPiece));
      const Payload packet = segment(part, static_cast<std::uint32_t>(at));
      all.tracks.set_packet(&packet);
      all.tracks.audio(id, part, {static_cast<std::uint32_t>(at)});
      all.tracks.set_packet(nullptr);
    }
  }
  EXPECT_EQ(all.tracks.main()->format().codec, AL_CODEC_PCM16LE);
  const std::set<std::uint64_t> found = all.signatures(Domain::mu_law);
  for (TrackId id = 0; id < kCalls; ++id) {
    World one;
    one.feed(calls[id], kPiece);
    const std::set<std::uint64_t> expected = one.signatures(Domain::mu_law);
    ASSERT_FALSE(expected.empty());
    EXPECT_TRUE(std::includes(found.begin(), found.end(), expected.begin(), expected.end())) << id;
  }
}

// The main one is the most telling, then the longest; what takes its place where it goes, too.
TEST(AudioTrack, TheNumberOfTracksIsBounded) {
  World world;
  const Bytes long_call = encoded(call(0.4, 1), AL_CODEC_PCMA);
  world.feed(long_call, 160, {AL_CODEC_PCMA, 0, 0}, 0);
  for (TrackId id = 1; id < 3 * AudioTracks::kTracks; ++id) {
    world.feed(encoded(call(0.2, id + 1), AL_CODEC_PCMU), 160, {AL_CODEC_PCMU, 0, 0}, id);
    EXPECT_EQ(world.tracks.main()->format().codec, id < AudioTracks::kTracks ? AL_CODEC_PCMA : AL_CODEC_PCMU) << id;
  }
  EXPECT_EQ(world.tracks.bytes(), long_call.size() + (3U * AudioTracks::kTracks - 1) * 1600);
  world.feed(encoded(call(0.1, 1), AL_CODEC_PCMU), 160, {AL_CODEC_PCMU, 0, 0}, 3 * AudioTracks::kTracks);
  EXPECT_EQ(world.tracks.main()->bytes(), 1600U);
}

}  // namespace
}  // namespace audio_latency::test
