// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio_latency/result.hpp"

namespace audio_latency {

// Mono 16-bit linear samples. What the demo and the examples play.
struct Sound {
  std::uint32_t rate = 8000;  // Hz
  std::vector<std::int16_t> samples;
};

// RIFF/WAVE with one `fmt ` chunk of PCM, mono, 16 bit; other chunks are passed over. An error names file and reason.
Result<Sound> read_wav(const std::string& path);

// Files and directories (their *.wav by name, recursively), one after another. All must have one rate.
Result<Sound> read_sounds(const std::vector<std::string>& paths);

// Sound that a signature takes for speech: syllables of noisy pulses or hiss through three formants, with pauses.
// The same seed gives the same samples.
Sound synthesise_speech(double seconds, std::uint32_t rate, std::uint64_t seed);

}  // namespace audio_latency
