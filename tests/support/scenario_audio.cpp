// SPDX-License-Identifier: Apache-2.0
#include "support/scenario_audio.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace audio_latency::scenario {
namespace {

constexpr double two_pi = 2 * std::numbers::pi;

std::size_t sample_count(double seconds, unsigned rate) {
  return static_cast<std::size_t>(seconds * rate);
}

std::int16_t clipped(double value) {
  return static_cast<std::int16_t>(std::lround(std::clamp(value, -32000.0, 32000.0)));
}

// A second-order resonator with unity gain at 0 Hz (Klatt, 1980).
class Resonator {
 public:
  void tune(double hz, double bandwidth, unsigned rate) {
    const double r = std::exp(-std::numbers::pi * bandwidth / rate);
    c_ = -r * r;
    b_ = 2 * r * std::cos(two_pi * hz / rate);
    a_ = 1 - b_ - c_;
  }
  double filter(double x) {
    const double y = a_ * x + b_ * y1_ + c_ * y2_;
    y2_ = y1_;
    y1_ = y;
    return y;
  }

 private:
  double a_ = 1, b_ = 0, c_ = 0, y1_ = 0, y2_ = 0;
};

// One speaker: a pulse train with jitter plus breath, through three formants.
class Voice {
 public:
  Voice(Random& random, unsigned rate) : random_(random), rate_(rate), pitch_(random.uniform(90, 210)) {}

  // A sound of one kind, with a rise and a fall of its own.
  void speak(Samples& out, std::size_t length, bool voiced, double level) {
    formants_[0].tune(random_.uniform(280, 800), random_.uniform(50, 110), rate_);
    formants_[1].tune(random_.uniform(900, 2200), random_.uniform(70, 140), rate_);
    formants_[2].tune(random_.uniform(2300, 3300), random_.uniform(100, 200), rate_);
    const double glide = random_.uniform(-0.25, 0.25);
    for (std::size_t i = 0; i < length && out.size() < out.capacity(); ++i) {
      const double at = static_cast<double>(i) / static_cast<double>(length);
      const double envelope = std::sin(std::numbers::pi * std::min(1.0, at * 1.2 + 0.05));
      out.push_back(clipped(level * std::max(envelope, 0.05) * sample(voiced, 1 + glide * at)));
    }
  }
  void pause(Samples& out, std::size_t length) {
    for (std::size_t i = 0; i < length && out.size() < out.capacity(); ++i) out.push_back(clipped(6 * random_.noise()));
  }
  bool finished(const Samples& out) const { return out.size() >= out.capacity(); }

 private:
  double sample(bool voiced, double bend) {
    double source = 0.06 * random_.noise();
    if (!voiced) source = 0.5 * random_.noise();
    if (voiced && --until_pulse_ <= 0) {
      until_pulse_ = rate_ / (pitch_ * bend) * random_.uniform(0.97, 1.03);
      source += random_.uniform(5, 6);
    }
    glottis_ = 0.8 * glottis_ + source;
    double y = voiced ? glottis_ : source * 2;
    for (auto& formant : formants_) y = formant.filter(y) * 1.3;
    return y;
  }

  Random& random_;
  unsigned rate_;
  double pitch_;
  double until_pulse_ = 0;
  double glottis_ = 0;
  std::array<Resonator, 3> formants_;
};

std::uint8_t mu_law_code(std::int16_t sample) {
  constexpr int bias = 132;
  constexpr int clip = 32635;
  const int sign = sample < 0 ? 0x80 : 0;
  const int magnitude = std::min(std::abs(static_cast<int>(sample)), clip) + bias;
  int exponent = 7;
  while (exponent > 0 && (magnitude & (0x80 << exponent)) == 0) --exponent;
  return static_cast<std::uint8_t>(~(sign | exponent << 4 | ((magnitude >> (exponent + 3)) & 0x0F)));
}

}  // namespace

double Random::uniform(double low, double high) {
  return low + (high - low) * (static_cast<double>(engine_() >> 11U) * 0x1.0p-53);
}

std::size_t Random::below(std::size_t bound) {
  return engine_() % bound;
}

double Random::noise() {
  return uniform(-1, 1);
}

Samples speech(Random& random, double seconds, unsigned rate) {
  Samples out;
  out.reserve(sample_count(seconds, rate));
  Voice voice(random, rate);
  while (!voice.finished(out)) {
    const std::size_t sounds = 4 + random.below(24);
    for (std::size_t i = 0; i < sounds; ++i)
      voice.speak(out, sample_count(random.uniform(0.05, 0.22), rate), random.below(5) != 0,
                  random.uniform(1200, 2600));
    voice.pause(out, sample_count(random.uniform(0.1, 0.9), rate));
  }
  return out;
}

Samples tone(double first_hz, double second_hz, double on, double off, double seconds, unsigned rate) {
  Samples out(sample_count(seconds, rate));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double t = static_cast<double>(i) / rate;
    if (std::fmod(t, on + off) < on)
      out[i] = clipped(5000 * (std::sin(two_pi * first_hz * t) + std::sin(two_pi * second_hz * t)));
  }
  return out;
}

Samples dtmf(const std::string& digits, double seconds, unsigned rate) {
  static const std::string keys = "123A456B789C*0#D";
  static constexpr std::array<double, 4> rows{697, 770, 852, 941};
  static constexpr std::array<double, 4> columns{1209, 1336, 1477, 1633};
  Samples turn;
  for (const char digit : digits) {
    const std::size_t key = keys.find(digit);
    append(turn, tone(rows.at(key / 4), columns.at(key % 4), 0.1, 0.1, 0.2, rate));
  }
  return repeated(turn, seconds, rate);
}

Samples comfort_noise(Random& random, double seconds, unsigned rate) {
  Samples out(sample_count(seconds, rate));
  double low_passed = 0;
  for (auto& sample : out) {
    low_passed = 0.7 * low_passed + random.noise();
    sample = clipped(150 * low_passed);
  }
  return out;
}

Samples music(Random& random, double seconds, unsigned rate) {
  Samples out(sample_count(seconds, rate));
  std::vector<double> mix(out.size());
  for (std::size_t beat = 0; beat < sample_count(seconds * 4, 1); ++beat) {
    const double start = 0.25 * static_cast<double>(beat);
    const double hz = 220 * std::pow(2.0, static_cast<double>(random.below(24)) / 12) * random.uniform(0.998, 1.002);
    for (std::size_t i = sample_count(start, rate); i < mix.size(); ++i) {
      const double t = static_cast<double>(i) / rate - start;
      if (t > 1.5) break;
      mix[i] += 3000 * std::exp(-3 * t) * (std::sin(two_pi * hz * t) + 0.4 * std::sin(two_pi * 2.01 * hz * t));
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = clipped(mix[i] + 40 * random.noise());
  return out;
}

Samples repeated(const Samples& turn, double seconds, unsigned rate) {
  Samples out(sample_count(seconds, rate));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = turn[i % turn.size()];
  return out;
}

void append(Samples& to, const Samples& more) {
  to.insert(to.end(), more.begin(), more.end());
}

Bytes mu_law(const Samples& samples) {
  Bytes out(samples.size());
  std::transform(samples.begin(), samples.end(), out.begin(), mu_law_code);
  return out;
}

Bytes pcm16le(const Samples& samples) {
  Bytes out;
  out.reserve(samples.size() * 2);
  for (const std::int16_t sample : samples) {
    out.push_back(static_cast<std::uint8_t>(sample));
    out.push_back(static_cast<std::uint8_t>(static_cast<std::uint16_t>(sample) >> 8U));
  }
  return out;
}

}  // namespace audio_latency::scenario
