// SPDX-License-Identifier: Apache-2.0
#include "codec.hpp"

#include "audio_latency/wire/g711.h"

namespace audio_latency::examples {

const std::map<std::string, Codec>& codec_names() {
  static const std::map<std::string, Codec> names{
      {"pcmu", Codec::pcmu}, {"pcma", Codec::pcma}, {"pcm16", Codec::pcm16}, {"pcm16be", Codec::pcm16be}};
  return names;
}

std::string name_of(Codec codec) {
  for (const auto& [name, each] : codec_names()) {
    if (each == codec) {
      return name;
    }
  }
  return "?";
}

std::size_t bytes_per_sample(Codec codec) {
  return codec == Codec::pcm16 || codec == Codec::pcm16be ? 2 : 1;
}

std::vector<std::uint8_t> encode(Codec codec, std::span<const std::int16_t> samples) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(samples.size() * bytes_per_sample(codec));
  for (const std::int16_t sample : samples) {
    const auto low = static_cast<std::uint8_t>(sample);
    const auto high = static_cast<std::uint8_t>(sample >> 8);
    switch (codec) {
      case Codec::pcm16:
        bytes.insert(bytes.end(), {low, high});
        break;
      case Codec::pcm16be:
        bytes.insert(bytes.end(), {high, low});
        break;
      case Codec::pcmu:
        bytes.push_back(al_mu_law_encode(sample));
        break;
      case Codec::pcma:
        bytes.push_back(al_a_law_encode(sample));
        break;
    }
  }
  return bytes;
}

std::vector<std::int16_t> decode(Codec codec, std::span<const std::uint8_t> bytes) {
  const std::size_t width = bytes_per_sample(codec);
  std::vector<std::int16_t> samples(bytes.size() / width);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (width == 1) {
      samples[i] = codec == Codec::pcmu ? al_mu_law_decode(bytes[i]) : al_a_law_decode(bytes[i]);
    } else {
      const std::size_t high = codec == Codec::pcm16 ? 1 : 0;
      samples[i] = static_cast<std::int16_t>(bytes[2 * i + high] << 8 | bytes[2 * i + 1 - high]);
    }
  }
  return samples;
}

std::vector<std::uint8_t> Transcoder::feed(std::span<const std::uint8_t> bytes) {
  if (from_ == to_) {
    return {bytes.begin(), bytes.end()};
  }
  rest_.insert(rest_.end(), bytes.begin(), bytes.end());
  std::vector<std::uint8_t> out = encode(to_, decode(from_, rest_));
  const std::size_t left = rest_.size() % bytes_per_sample(from_);
  rest_.erase(rest_.begin(), rest_.end() - static_cast<std::ptrdiff_t>(left));
  return out;
}

}  // namespace audio_latency::examples
