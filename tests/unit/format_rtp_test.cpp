// SPDX-License-Identifier: Apache-2.0
// RTP as programs send it that read from files or decode in between: in bursts, in packets as long as the path takes.
#include <gtest/gtest.h>

#include <algorithm>

#include "audio_latency/wire/g711.h"
#include "format_classify.hpp"
#include "support/format_flow_parts.hpp"
#include "support/format_flows.hpp"
#include "support/format_wire.hpp"
#include "support/format_world.hpp"

namespace audio_latency::test {
namespace {

constexpr EventTime kMillisecond = 1'000'000;

struct Stream {
  std::uint8_t type = 97;
  std::uint32_t step = 960;
  unsigned burst = 1;  // packets at one time
  EventTime every = 20 * kMillisecond;
};

// Until there is a verdict.
template <class Payloads>
FlowVerdict verdict_of(const Stream& stream, unsigned packets, Payloads payload) {
  FlowClassifier classifier(17);
  std::uint32_t timestamp = 12345;
  for (unsigned i = 0; i < packets; ++i) {
    const Bytes audio = payload(i);
    const Bytes bytes = rtp_packet(stream.type, static_cast<std::uint16_t>(i), timestamp, 77, audio);
    Payload packet = segment(bytes, 0, 1 + i / stream.burst * stream.burst * stream.every);
    packet.flow.protocol = 17;
    const FlowVerdict verdict = classifier.add(packet);
    if (verdict.decided()) return verdict;
    timestamp += stream.step != 0 ? stream.step : static_cast<std::uint32_t>(audio.size());
  }
  return {};
}

// As of an encoder with a constant bit rate on quiet sound: not all bytes of a packet are in use.
Bytes padded(unsigned seed, std::size_t size = 160) {
  Bytes bytes = random_bytes(size, seed);
  std::fill(bytes.begin() + static_cast<long>(size * 3 / 8), bytes.end(), 0);
  return bytes;
}

TEST(RtpClassifier, CompressedAudioInBurstsIsNoVideo) {
  for (const std::uint32_t step : {120U, 480U, 960U, 2880U, 160U, 320U, 1024U}) {
    for (const unsigned burst : {1U, 4U, 25U}) {
      const Stream stream{97, step, burst, step * 1'000'000'000ULL / 48'000};
      const std::size_t size = std::min(20 + step / 6, 160U);
      for (const bool full : {true, false}) {
        const FlowVerdict verdict =
            verdict_of(stream, 40, [&](unsigned i) { return full ? random_bytes(size + i, i) : padded(i, size); });
        EXPECT_EQ(verdict.unhashable, Unhashable::compressed_codec) << step << " in bursts of " << burst;
        EXPECT_EQ(verdict.treatment.codec, AL_CODEC_COMPRESSED);
      }
    }
  }
}

// A relay without a jitter buffer that stamps each packet with the time at which it came.
TEST(RtpClassifier, CompressedAudioWithRestlessTimestampsIsKnownByItsPace) {
  FlowClassifier classifier(17);
  FlowVerdict verdict;
  EventTime time = 1;
  for (unsigned i = 0; i < 40 && !verdict.decided(); ++i) {
    time += (10 + i * 7 % 20) * kMillisecond;
    const Bytes bytes = rtp_packet(96, static_cast<std::uint16_t>(i),
                                   static_cast<std::uint32_t>(time * 48 / kMillisecond), 77, padded(i));
    Payload packet = segment(bytes, 0, time);
    packet.flow.protocol = 17;
    verdict = classifier.add(packet);
  }
  EXPECT_EQ(verdict.treatment.codec, AL_CODEC_COMPRESSED) << verdict.why;
}

TEST(RtpClassifier, VideoOfOnePacketToAFrameIsNotAudio) {
  for (const std::uint32_t step : {1500U, 3000U, 3003U, 3600U, 3750U, 6000U, 9000U}) {
    for (const unsigned burst : {1U, 5U}) {
      const Stream stream{96, step, burst, step * 1'000'000'000ULL / 90'000};
      const FlowVerdict verdict = verdict_of(stream, 64, [](unsigned i) { return random_bytes(300 + 7 * i, i); });
      EXPECT_NE(verdict.treatment.handling, AL_SCAN) << step << ": " << verdict.why;
    }
  }
}

TEST(RtpClassifier, LongPacketsOfKnownTypesAreRtpAllTheSame) {
  scenario::Random random(5);
  const scenario::Samples sound = scenario::speech(random, 8, 8000);
  for (const auto& [type, codec] : {std::pair{std::uint8_t{0}, AL_CODEC_PCMU}, {std::uint8_t{8}, AL_CODEC_PCMA}}) {
    const Bytes all = encode_samples(sound, codec);
    const Stream stream{type, 1388, 2, 173 * kMillisecond};
    const FlowVerdict verdict =
        verdict_of(stream, 40, [&](unsigned i) { return Bytes(all.begin() + 1388 * i, all.begin() + 1388 * (i + 1)); });
    EXPECT_EQ(verdict.framing, Framing::rtp) << verdict.why;
    EXPECT_EQ(verdict.treatment.codec, codec);
  }
}

TEST(RtpClassifier, LinearSamplesInBurstsAreNeitherVideoNorCompressed) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    scenario::Random random(seed);
    const Bytes all = encode_samples(scenario::speech(random, 6, 8000), AL_CODEC_PCM16BE);
    const Stream stream{97, 730, 3, 91 * kMillisecond};
    const FlowVerdict verdict =
        verdict_of(stream, 60, [&](unsigned i) { return Bytes(all.begin() + 1460 * i, all.begin() + 1460 * (i + 1)); });
    EXPECT_EQ(verdict.treatment.codec, AL_CODEC_PCM16BE) << seed << ": " << verdict.why;
  }
}

TEST(RtpClassifier, RawSoundWhoseFirstBytesLookLikeAHeaderIsFoundWithItsSecondPacket) {
  scenario::Random random(6);
  const Bytes all = encode_samples(scenario::speech(random, 8, 8000), AL_CODEC_PCM16LE);
  FlowClassifier classifier(17);
  FlowVerdict verdict;
  for (unsigned i = 0; i < 30 && !verdict.decided(); ++i) {
    Bytes bytes(all.begin() + 3200 * i, all.begin() + 3200 * (i + 1));
    bytes[0] = 0x80;
    Payload packet = segment(bytes, 0, 1 + i * 200 * kMillisecond);
    packet.flow.protocol = 17;
    verdict = classifier.add(packet);
  }
  EXPECT_EQ(verdict.framing, Framing::raw) << verdict.why;
  EXPECT_EQ(verdict.treatment.codec, AL_CODEC_PCM16LE);
}

}  // namespace
}  // namespace audio_latency::test
