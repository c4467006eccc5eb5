// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <span>

#include "support/scenario_audio.hpp"

namespace audio_latency::scenario {
namespace {

std::uint32_t little_endian32(std::span<const std::uint8_t> bytes, std::size_t at) {
  return bytes[at] | bytes[at + 1] << 8U | bytes[at + 2] << 16U | static_cast<std::uint32_t>(bytes[at + 3]) << 24U;
}

// The `data` chunk of a RIFF file.
Samples wav_samples(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const Bytes bytes((std::istreambuf_iterator<char>(file)), {});
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::size_t length = std::min<std::size_t>(little_endian32(bytes, at + 4), bytes.size() - at - 8);
    if (std::equal(bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(at) + 4, "data")) {
      Samples samples(length / 2);
      for (std::size_t i = 0; i < samples.size(); ++i)
        samples[i] = static_cast<std::int16_t>(bytes[at + 8 + 2 * i] | bytes[at + 9 + 2 * i] << 8U);
      return samples;
    }
    at += 8 + length + length % 2;
  }
  return {};
}

}  // namespace

std::vector<Samples> recordings(const std::string& directory, Random& random) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, error))
    if (entry.path().extension() == ".wav") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (std::size_t i = paths.size(); i > 1; --i) std::swap(paths[i - 1], paths[random.below(i)]);
  std::set<Samples> handed_out;  // some words are stored under several names
  std::vector<Samples> found;
  for (const auto& path : paths) {
    Samples samples = wav_samples(path);
    if (handed_out.insert(samples).second) found.push_back(std::move(samples));
  }
  return found;
}

Samples recorded_speech(std::vector<Samples>& recordings, Random& random, double seconds, unsigned rate) {
  Samples out;
  const auto wanted = static_cast<std::size_t>(seconds * rate);
  for (; out.size() < wanted && !recordings.empty(); recordings.pop_back()) {
    append(out, recordings.back());
    Samples pause(random.below(rate));
    for (auto& sample : pause) sample = static_cast<std::int16_t>(random.uniform(-8, 8));
    append(out, pause);
  }
  if (out.size() < wanted) append(out, speech(random, seconds - static_cast<double>(out.size()) / rate, rate));
  out.resize(wanted);
  return out;
}

}  // namespace audio_latency::scenario
