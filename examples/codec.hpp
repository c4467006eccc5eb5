// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace audio_latency::examples {

enum class Codec : std::uint8_t { pcmu, pcma, pcm16, pcm16be };  // pcm16: little-endian

// How the command line spells them.
const std::map<std::string, Codec>& codec_names();
std::string name_of(Codec codec);

std::size_t bytes_per_sample(Codec codec);

// Linear samples as they go on the wire, and back. A last half of a sample is left out.
std::vector<std::uint8_t> encode(Codec codec, std::span<const std::int16_t> samples);
std::vector<std::int16_t> decode(Codec codec, std::span<const std::uint8_t> bytes);

// A stream of one codec in, of another out, cut anywhere. The same codec passes unchanged.
class Transcoder {
 public:
  Transcoder(Codec from, Codec to) : from_(from), to_(to) {}
  std::vector<std::uint8_t> feed(std::span<const std::uint8_t> bytes);

 private:
  Codec from_;
  Codec to_;
  std::vector<std::uint8_t> rest_;  // the first half of a sample
};

}  // namespace audio_latency::examples
