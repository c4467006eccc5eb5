// SPDX-License-Identifier: Apache-2.0
// Verdicts where the first look misleads.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/formats_under_test.hpp"

namespace audio_latency::test {
namespace {

// One syntax that nothing but its repetition proves is a bad moment: quiet samples look like small frames.
TEST(Formats, FramesMayBeChanceInSoundThatIsScanned) {
  FormatsWorld world;
  const auto flows = audio_flows(call(9), 9);
  const auto raw = std::find_if(flows.begin(), flows.end(), [](const auto& f) { return f.name == "TCP PCM16LE"; });
  world.play(*raw);
  ASSERT_EQ(world.view().handling, AL_SCAN);
  LabelledFlow chance;
  chance.first_sequence = raw->first_sequence;
  for (unsigned i = 0; i < 2; ++i)
    chance.packets.push_back({2'000'000'000'000, http2_frame(0, 0, 1, random_bytes(300, i))});
  world.play(chance, 1000, true);
  EXPECT_EQ(world.view().handling, AL_SCAN);
  LabelledFlow web;
  web.first_sequence = raw->first_sequence;
  web.packets.push_back({2'000'000'000'000, bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n")});
  world.play(web, 1000, true);
  EXPECT_EQ(world.view().handling, AL_DECODE);  // a start line is none
}

TEST(Formats, FramesOfAHundredMillisecondsInMidStreamAreNoRawSamples) {
  const Bytes audio = encode_samples(call(12), AL_CODEC_PCM16LE);
  LabelledFlow flow;
  for (std::size_t at = 0; at + 1600 <= audio.size(); at += 1600) {
    const auto from = audio.begin() + static_cast<long>(at);
    flow.packets.push_back(
        {1'000'000'000'000 + at * 62'500, http2_frame(0, 0, 1, grpc_message(protobuf_field(2, {from, from + 1600})))});
  }
  FormatsWorld world;
  world.play(flow);
  EXPECT_EQ(world.view().handling, AL_DECODE) << world.view().why;
  EXPECT_EQ(world.view().codec, AL_CODEC_PCM16LE);
}

TEST(Formats, SoundThatBeginsWithNoiseIsFoundWithinTwoSeconds) {
  std::mt19937 random(13);
  scenario::Samples sound(5000);
  for (auto& sample : sound) sample = static_cast<std::int16_t>(static_cast<int>(random() % 4000) - 2000);
  const scenario::Samples speech = call(13, 1.4);
  sound.insert(sound.end(), speech.begin(), speech.end());
  for (const LabelledFlow& flow : audio_flows(sound, 40)) {
    if (flow.name.find("PCM16") == std::string::npos && flow.name.find("OpenAI") == std::string::npos) continue;
    FormatsWorld world;
    world.play(flow);
    EXPECT_EQ(world.view().codec, flow.codec) << flow.name << ": " << world.view().why;
  }
}

}  // namespace
}  // namespace audio_latency::test
