// SPDX-License-Identifier: Apache-2.0
#include "support/truth_sound.hpp"

#include <array>
#include <cmath>
#include <map>

#include "support/oracle.hpp"

namespace audio_latency::truth {
namespace {

constexpr std::uint32_t kWindow = 64;
constexpr std::uint32_t kSelectivity = 8;
constexpr std::uint32_t kSilence = 256;
constexpr std::size_t kLevelSamples = 1600;  // 200 ms
constexpr double kSpeechLevel = 292.0;       // root mean square, 16-bit linear units: -41 dBFS

// Symbols of one domain over one uncut run; the first AL_LAG bytes have none in the verbatim domain.
std::vector<std::uint8_t> symbols_of(const Sound& sound, std::uint32_t domain) {
  if (domain != AL_DOMAIN_VERBATIM) return test::companded_symbols(sound.audio.bytes, sound.codec, domain);
  const auto& bytes = sound.audio.bytes;
  std::vector<std::uint8_t> symbols;
  for (std::size_t i = AL_LAG; i < bytes.size(); ++i) symbols.push_back(bytes[i] ^ bytes[i - AL_LAG]);
  return symbols;
}

bool is_refused(const std::uint8_t* window, std::uint32_t domain) {
  if (domain == AL_DOMAIN_VERBATIM) return al_refuse_verbatim(window, kWindow) != AL_REFUSALS;
  const std::uint32_t peak = al_window_peak(window, kWindow, domain);
  return al_refuse_companded(window, kWindow, peak, kSilence) != AL_REFUSALS;
}

}  // namespace

std::int16_t Sound::sample(std::size_t index) const {
  const std::uint8_t* at = audio.bytes.data() + index * width();
  if (codec == AL_CODEC_PCMU) return al_mu_law_decode(*at);
  if (codec == AL_CODEC_PCMA) return al_a_law_decode(*at);
  return static_cast<std::int16_t>(codec == AL_CODEC_PCM16LE ? at[0] | at[1] << 8 : at[0] << 8 | at[1]);
}

Result<Sound> sound_of(const std::vector<Packet>& packets, const std::string& framing, const std::string& codec) {
  static const std::map<std::string, al_codec> kCodecs{
      {"pcmu", AL_CODEC_PCMU}, {"pcma", AL_CODEC_PCMA}, {"pcm16", AL_CODEC_PCM16LE}, {"pcm16be", AL_CODEC_PCM16BE}};
  auto audio = audio_of(packets, framing);
  return audio ? Result<Sound>(Sound{std::move(*audio), kCodecs.at(codec)}) : Result<Sound>(audio.error());
}

bool carries(const Sound& out, const Sound& in, std::size_t samples) {
  for (std::size_t i = 0; i < samples; ++i) {
    std::int16_t expected = in.sample(i);
    if (out.codec == AL_CODEC_PCMU && in.codec != AL_CODEC_PCMU)
      expected = al_mu_law_decode(al_mu_law_encode(expected));
    if (out.codec == AL_CODEC_PCMA && in.codec != AL_CODEC_PCMA) expected = al_a_law_decode(al_a_law_encode(expected));
    if (out.sample(i) != expected) return false;
  }
  return samples > 0;
}

std::vector<Signed> signatures_of(const Sound& sound, std::uint32_t domain) {
  std::array<__u64, 256> gear{};
  al_gear_fill(gear.data());
  const std::vector<std::uint8_t> symbols = symbols_of(sound, domain);
  const bool verbatim = domain == AL_DOMAIN_VERBATIM;
  std::vector<Signed> found;
  __u64 hash = 0;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    hash = al_roll(hash, gear.at(symbols[i]), al_roll_shift(kWindow));
    if (i < kWindow - 1 || hash >= al_threshold(kSelectivity)) {
      continue;
    }
    const std::uint8_t* window = symbols.data() + (i + 1 - kWindow);
    if (!is_refused(window, domain)) {
      found.push_back({verbatim ? i + AL_LAG : (i + 1) * sound.width() - 1,
                       al_signature(AL_XXHASH, window, kWindow, hash, domain)});
    }
  }
  return found;
}

std::vector<std::size_t> speech_seconds(const Sound& sound) {
  std::vector<std::size_t> seconds;
  for (std::size_t at = 0; at + kLevelSamples <= sound.samples(); at += kLevelSamples) {
    double energy = 0;
    for (std::size_t i = at; i < at + kLevelSamples; ++i) {
      energy += static_cast<double>(sound.sample(i)) * sound.sample(i);
    }
    const bool loud = std::sqrt(energy / kLevelSamples) >= kSpeechLevel;
    const std::size_t second = at / kRate;
    if (loud && (second + 1) * kRate <= sound.samples() && (seconds.empty() || seconds.back() != second)) {
      seconds.push_back(second);
    }
  }
  return seconds;
}

}  // namespace audio_latency::truth
