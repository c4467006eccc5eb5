// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "format_front.hpp"

namespace audio_latency {

enum class TextCoding : std::uint8_t { unknown, base64, hex, none };

// One text value that may hold audio as base64 (RFC 4648, either alphabet) or hex. Where `expected` does not say which,
// its first characters decide; a shorter value is not looked at then, since identifiers look like base64, too.
class TextAudio {
 public:
  static constexpr std::size_t kProbe = 64;  // characters that decide

  TextAudio(AudioSink& audio, DecodeStatus& status) : audio_(audio), status_(status) {}

  void begin(TrackId track, TextCoding expected);
  // Characters of the value, escapes resolved; `sequence` is where the first lies, the others follow.
  void feed(ByteSpan characters, std::uint32_t sequence);
  // The value has ended. What it was coded as; unknown where it was too short to tell; none where it was something
  // else.
  TextCoding end();

  bool probing() const { return probing_; }
  // The first characters of a value that is still being probed.
  ByteSpan probe() const { return probe_.bytes(); }

 private:
  void decide();
  void decode(ByteSpan characters, std::uint32_t sequence);
  void decode_base64(ByteSpan characters, std::uint32_t sequence);
  std::size_t decode_padded(std::span<const std::uint8_t, 4> group, std::uint8_t* to);
  void decode_hex(ByteSpan characters, std::uint32_t sequence);
  void put(std::uint8_t character, std::uint32_t sequence);
  void emit(ByteSpan bytes, const Places& places);

  AudioSink& audio_;
  DecodeStatus& status_;
  TrackId track_ = 0;
  TextCoding coding_ = TextCoding::none;
  bool probing_ = false;
  bool padded_ = false;       // base64: nothing comes behind a '='
  std::uint8_t pending_ = 0;  // characters of a group that is not complete yet
  std::uint32_t bits_ = 0;    // theirs
  Front<kProbe> probe_;
};

}  // namespace audio_latency
