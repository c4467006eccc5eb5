// SPDX-License-Identifier: Apache-2.0
// Text that holds audio (RFC 4648): every length of the last group, in every cut, with its places; what follows it.
#include "format_text.hpp"

#include <gtest/gtest.h>

#include "support/format_wire.hpp"
#include "support/format_world.hpp"

namespace audio_latency::test {
namespace {

constexpr std::uint32_t kFirst = 0xfffffff0;  // sequence numbers wrap

AudioCollector::Track decoded(const std::string& text, std::size_t piece) {
  AudioCollector audio;
  DecodeStatus status;
  TextAudio value(audio, status);
  value.begin(1, TextCoding::base64);
  const Bytes bytes(text.begin(), text.end());
  for (std::size_t at = 0; at < bytes.size(); at += piece)
    value.feed(ByteSpan(bytes).subspan(at, std::min(piece, bytes.size() - at)),
               kFirst + static_cast<std::uint32_t>(at));
  return audio.tracks[1];
}

Bytes counting(std::size_t size) {
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<std::uint8_t>(37 * i + 1));
  return bytes;
}

TEST(TextAudio, EveryLastGroupInEveryCut) {
  for (std::size_t size = 0; size < 12; ++size) {
    const Bytes bytes = counting(size);
    const std::string text = base64(bytes);
    for (std::size_t piece = 1; piece <= text.size() + 1; ++piece) {
      const auto track = decoded(text, piece);
      ASSERT_EQ(track.bytes, bytes) << size << " bytes in pieces of " << piece;
      for (std::size_t i = 0; i < size; ++i)  // of its group, each byte but the first is complete a character later
        ASSERT_EQ(track.places[i], kFirst + 4 * (i / 3) + i % 3 + 1) << size << " bytes in pieces of " << piece;
    }
  }
}

TEST(TextAudio, NothingComesBehindThePadding) {
  for (std::size_t piece = 1; piece <= 20; ++piece) {
    EXPECT_EQ(decoded("AQIDBA==AQIDBA==", piece).bytes, (Bytes{1, 2, 3, 4})) << piece;
    EXPECT_EQ(decoded("AQIDBAU=AQID", piece).bytes, (Bytes{1, 2, 3, 4, 5})) << piece;
  }
}

TEST(TextAudio, WhatIsNoBase64EndsIt) {
  for (std::size_t piece = 1; piece <= 20; ++piece) {
    EXPECT_EQ(decoded("AQID!QID", piece).bytes, (Bytes{1, 2, 3})) << piece;
    EXPECT_EQ(decoded("AQIDAQ\"=AQID", piece).bytes, (Bytes{1, 2, 3, 1})) << piece;
  }
}

TEST(TextAudio, EveryCharacterOfTheTwoAlphabetsHasItsValue) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (unsigned c = 0; c < 256; ++c) {
    const char same = c == '-' ? '+' : c == '_' ? '/' : static_cast<char>(c);
    const std::size_t value = alphabet.find(same);
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, 'B');
      text[at] = static_cast<char>(c);
      Bytes expected;  // six bits of each character before the first that is none
      std::uint32_t bits = 0;
      for (std::size_t i = 0; i < (value == std::string::npos ? at : text.size()); ++i) {
        bits = bits << 6 | static_cast<std::uint32_t>(i == at ? value : 1);
        if (i % 4 != 0) expected.push_back(static_cast<std::uint8_t>(bits >> (6 - 2 * (i % 4))));
      }
      const auto whole = decoded(text, text.size());
      ASSERT_EQ(whole.bytes, expected) << c << " at " << at;
      const auto cut = decoded(text, 1 + at % 7);
      ASSERT_EQ(cut.bytes, expected) << c << " at " << at;
      ASSERT_EQ(cut.places, whole.places) << c << " at " << at;
    }
  }
}

}  // namespace
}  // namespace audio_latency::test
