// SPDX-License-Identifier: Apache-2.0
#include "format_wav.hpp"

#include <cstring>

#include "audio_latency/wire/types.h"

namespace audio_latency {
namespace {

// WAVE_FORMAT_*; the last one names its real format elsewhere, as good as always PCM.
enum Tag : std::uint16_t { kPcm = 1, kALaw = 6, kMuLaw = 7, kExtensible = 0xfffe };

}  // namespace

WavHeader::State WavHeader::take(std::uint8_t byte) {
  if (++bytes_ > kLongest) return State::broken;
  if (skip_ > 0) {
    --skip_;
    return State::reading;
  }
  buffer_[size_++] = byte;
  if (size_ < wanted_) return State::reading;
  size_ = 0;
  if (wanted_ == 12) {
    wanted_ = 8;
    return std::memcmp(buffer_.data(), "RIFF", 4) == 0 && std::memcmp(buffer_.data() + 8, "WAVE", 4) == 0
               ? State::reading
               : State::broken;
  }
  if (in_format_) {
    format_chunk();
    return State::reading;
  }
  if (std::memcmp(buffer_.data(), "data", 4) == 0) return State::data;
  chunk_begins();
  return State::reading;
}

void WavHeader::chunk_begins() {
  const std::uint32_t length = al_load32(buffer_.data() + 4);
  skip_ = length < kLongest ? length + length % 2 : kLongest;
  if (std::memcmp(buffer_.data(), "fmt ", 4) != 0 || length < 16) return;
  in_format_ = true;
  wanted_ = 16;
  behind_format_ = skip_ - 16;
  skip_ = 0;
}

void WavHeader::format_chunk() {
  const std::uint16_t tag = al_load16(buffer_.data());
  const std::uint16_t bits = al_load16(buffer_.data() + 14);
  format_.channels = al_load16(buffer_.data() + 2);
  format_.rate = al_load32(buffer_.data() + 4);
  format_.codec = AL_CODEC_COMPRESSED;
  if ((tag == kPcm || tag == kExtensible) && bits == 16) format_.codec = AL_CODEC_PCM16LE;
  if (tag == kMuLaw) format_.codec = AL_CODEC_PCMU;
  if (tag == kALaw) format_.codec = AL_CODEC_PCMA;
  in_format_ = false;
  wanted_ = 8;
  skip_ = behind_format_;
}

}  // namespace audio_latency
