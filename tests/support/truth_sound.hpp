// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio_latency/wire/companding.h"
#include "support/truth_flow.hpp"

namespace audio_latency::truth {

constexpr std::size_t kRate = 8000;  // Hz

// The sound of one flow.
struct Sound {
  Audio audio;
  al_codec codec = AL_CODEC_UNKNOWN;

  std::size_t width() const { return al_codec_is_linear(codec) != 0 ? 2 : 1; }
  std::size_t samples() const { return audio.bytes.size() / width(); }
  std::int16_t sample(std::size_t index) const;  // linear
};

// Framing and codec as audio-source spells them.
Result<Sound> sound_of(const std::vector<Packet>& packets, const std::string& framing, const std::string& codec);

// Is what left what came, in its own codec?
bool carries(const Sound& out, const Sound& in, std::size_t samples);

// Whole seconds of which 200 ms at least reach the level of speech.
std::vector<std::size_t> speech_seconds(const Sound& sound);

struct Signed {
  std::size_t position;  // of the window's last byte
  std::uint64_t signature;
};
// The signatures of a domain over one uncut run, at the defaults of the program.
std::vector<Signed> signatures_of(const Sound& sound, std::uint32_t domain);

}  // namespace audio_latency::truth
