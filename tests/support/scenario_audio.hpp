// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace audio_latency::scenario {

using Samples = std::vector<std::int16_t>;
using Bytes = std::vector<std::uint8_t>;

// The only source of chance in a scenario: one seed, one capture.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform(double low, double high);
  std::size_t below(std::size_t bound);  // bound > 0
  double noise();                        // -1 to 1
  std::uint32_t word() { return static_cast<std::uint32_t>(engine_()); }

 private:
  std::mt19937_64 engine_;
};

// Formant synthesis: pitch, formants and timing wander, so that no two stretches are alike. `rate` in Hz.
Samples speech(Random& random, double seconds, unsigned rate);
// Two sines, `on` seconds of sound and `off` of silence, in turn.
Samples tone(double first_hz, double second_hz, double on, double off, double seconds, unsigned rate);
// Digits of a key pad, 100 ms of sound and 100 ms of silence each, again and again (ITU-T Q.23).
Samples dtmf(const std::string& digits, double seconds, unsigned rate);
Samples comfort_noise(Random& random, double seconds, unsigned rate);
Samples music(Random& random, double seconds, unsigned rate);
Samples repeated(const Samples& turn, double seconds, unsigned rate);
void append(Samples& to, const Samples& more);

// Recordings below `directory` (8 kHz mono WAV), shuffled; each is handed out once. Empty where there are none.
std::vector<Samples> recordings(const std::string& directory, Random& random);
// Takes recordings off the list until they last for `seconds`, with pauses between; synthesised where none are left.
Samples recorded_speech(std::vector<Samples>& recordings, Random& random, double seconds, unsigned rate);

Bytes mu_law(const Samples& samples);  // ITU-T G.711
Bytes pcm16le(const Samples& samples);

}  // namespace audio_latency::scenario
