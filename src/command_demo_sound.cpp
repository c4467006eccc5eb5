// SPDX-License-Identifier: Apache-2.0
#include "command_demo_sound.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numbers>
#include <span>

namespace audio_latency {
namespace {

using Bytes = std::span<const std::uint8_t>;

std::uint32_t little_endian(Bytes bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | bytes[i];
  }
  return value;
}

bool tagged(Bytes bytes, const char* tag) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), tag, 4) == 0;
}

// Layout of WAVEFORMATEX: tag, channels, rate, bytes a second, block, bits.
bool is_plain_pcm(Bytes chunk) {
  return chunk.size() >= 16 && little_endian(chunk.subspan(0, 2)) == 1 && little_endian(chunk.subspan(2, 2)) == 1 &&
         little_endian(chunk.subspan(14, 2)) == 16;
}

std::vector<std::int16_t> samples_of(Bytes chunk) {
  std::vector<std::int16_t> samples(chunk.size() / 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<std::int16_t>(little_endian(chunk.subspan(2 * i, 2)));
  }
  return samples;
}

std::vector<std::uint8_t> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Uniform numbers whose sequence is fixed, which std::uniform_real_distribution's is not.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed) {}

  double between(double low, double high) { return low + (high - low) * unit(); }

 private:
  double unit() {  // SplitMix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
  }

  std::uint64_t state_;
};

// Two-pole resonator: one formant.
class Formant {
 public:
  void tune(double frequency, double bandwidth, double rate) {
    const double radius = std::exp(-std::numbers::pi * bandwidth / rate);
    feedback_ = {2 * radius * std::cos(2 * std::numbers::pi * frequency / rate), -radius * radius};
    gain_ = 1 - radius;
  }
  double pass(double input) {
    const double output = gain_ * input + feedback_[0] * past_[0] + feedback_[1] * past_[1];
    past_ = {output, past_[0]};
    return output;
  }

 private:
  std::array<double, 2> feedback_{};
  std::array<double, 2> past_{};
  double gain_ = 0;
};

struct Syllable {
  std::size_t length;  // samples
  double pitch;        // Hz; 0: unvoiced
  double level;
};

Syllable next_syllable(Noise& noise, double rate, std::array<Formant, 3>& formants) {
  const bool voiced = noise.between(0, 1) < 0.75;
  formants[0].tune(noise.between(250, 850), 90, rate);
  formants[1].tune(noise.between(900, 2300), 120, rate);
  formants[2].tune(noise.between(2400, 3400), 180, rate);
  return {static_cast<std::size_t>(noise.between(0.08, 0.25) * rate), voiced ? noise.between(95, 220) : 0,
          noise.between(0.4, 1.0)};
}

void append_syllable(std::vector<double>& out, const Syllable& syllable, Noise& noise, double rate,
                     std::array<Formant, 3>& formants) {
  double phase = 0;
  for (std::size_t i = 0; i < syllable.length; ++i) {
    const double position = static_cast<double>(i) / static_cast<double>(syllable.length);
    phase += syllable.pitch * (1 + 0.1 * position) / rate;
    const bool pulse = phase >= 1;
    phase -= pulse ? 1 : 0;
    const double hiss = noise.between(-1, 1);
    const double source = syllable.pitch > 0 ? (pulse ? 12.0 : 0.0) + 0.15 * hiss : 0.8 * hiss;
    double sum = 0;
    for (Formant& formant : formants) {
      sum += formant.pass(source);
    }
    out.push_back(sum * syllable.level * std::sin(std::numbers::pi * position));
  }
}

std::vector<std::int16_t> scaled(const std::vector<double>& wave) {
  double peak = 1e-9;
  for (const double value : wave) {
    peak = std::max(peak, std::abs(value));
  }
  std::vector<std::int16_t> samples(wave.size());
  std::transform(wave.begin(), wave.end(), samples.begin(),
                 [peak](double value) { return static_cast<std::int16_t>(std::lround(value / peak * 16000)); });
  return samples;
}

std::vector<std::string> wav_files(const std::string& path) {
  if (!std::filesystem::is_directory(path)) {
    return {path};
  }
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.path().extension() == ".wav") {
      files.push_back(entry.path().string());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<Sound> read_wav(const std::string& path) {
  const std::vector<std::uint8_t> content = read_file(path);
  Bytes rest(content);
  if (rest.size() < 12 || !tagged(rest, "RIFF") || !tagged(rest.subspan(8), "WAVE")) {
    return Error{"'" + path + "' can't be read as a WAV file: no RIFF/WAVE header"};
  }
  Sound sound{.rate = 0, .samples = {}};
  rest = rest.subspan(12);
  while (rest.size() >= 8) {
    const std::size_t length = std::min<std::size_t>(little_endian(rest.subspan(4, 4)), rest.size() - 8);
    const Bytes chunk = rest.subspan(8, length);
    if (tagged(rest, "fmt ")) {
      if (!is_plain_pcm(chunk)) {
        return Error{"'" + path + "' can't be played: it is not PCM, mono, 16 bit"};
      }
      sound.rate = little_endian(chunk.subspan(4, 4));
    } else if (tagged(rest, "data") && sound.rate > 0) {
      sound.samples = samples_of(chunk);
      return sound;
    }
    rest = rest.subspan(std::min(rest.size(), 8 + length + length % 2));
  }
  return Error{"'" + path + "' can't be played: it has no fmt chunk followed by a data chunk"};
}

Result<Sound> read_sounds(const std::vector<std::string>& paths) {
  Sound all{.rate = 0, .samples = {}};
  for (const std::string& path : paths) {
    for (const std::string& file : wav_files(path)) {
      auto sound = read_wav(file);
      if (!sound) {
        return sound.error();
      }
      if (all.rate != 0 && all.rate != sound->rate) {
        return Error{"'" + file + "' has another sample rate (" + std::to_string(sound->rate) +
                     " Hz) than the files before it"};
      }
      all.rate = sound->rate;
      all.samples.insert(all.samples.end(), sound->samples.begin(), sound->samples.end());
    }
  }
  if (all.samples.empty()) {
    return Error{"there is no sound in the given files"};
  }
  return all;
}

Sound synthesise_speech(double seconds, std::uint32_t rate, std::uint64_t seed) {
  Noise noise(seed);
  std::array<Formant, 3> formants;
  const auto wanted = static_cast<std::size_t>(seconds * rate);
  std::vector<double> wave;
  while (wave.size() < wanted) {
    append_syllable(wave, next_syllable(noise, rate, formants), noise, rate, formants);
    const double pause = noise.between(0, 1) < 0.15 ? noise.between(0.1, 0.3) : noise.between(0, 0.04);
    wave.resize(wave.size() + static_cast<std::size_t>(pause * rate));
  }
  wave.resize(wanted);
  return {rate, scaled(wave)};
}

}  // namespace audio_latency
