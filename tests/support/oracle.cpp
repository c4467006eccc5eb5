// SPDX-License-Identifier: Apache-2.0
#include "support/oracle.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <set>

#include "audio_latency/wire/event.h"
#include "audio_latency/wire/gear.h"

namespace audio_latency::test {
namespace {

std::uint32_t crc32_bitwise(const std::uint8_t* data, std::size_t length) {
  std::uint32_t crc = ~0U;
  for (std::size_t at = 0; at < length; ++at) {
    crc ^= data[at];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0);
  }
  return ~crc;
}

std::uint64_t fmix64(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ value >> 33;
}

// ITU-T G.711, written a second time: the segment is the position of the highest bit.
std::uint8_t mu_law_of(int linear) {
  const unsigned magnitude = static_cast<unsigned>(std::min(std::abs(linear), 32635)) + 132;
  const int segment = static_cast<int>(std::bit_width(magnitude)) - 8;
  const unsigned code = static_cast<unsigned>(segment) << 4 | (magnitude >> (segment + 3) & 15);
  return static_cast<std::uint8_t>((linear < 0 ? 0x7f : 0xff) - code);
}
std::uint8_t a_law_of(int linear) {
  const unsigned magnitude = static_cast<unsigned>(linear < 0 ? -linear - 1 : linear) >> 4;
  const int segment = std::max(static_cast<int>(std::bit_width(magnitude)) - 4, 0);
  const unsigned mantissa = magnitude >> std::max(segment - 1, 0) & 15;
  const unsigned code = static_cast<unsigned>(segment) << 4 | mantissa;
  return static_cast<std::uint8_t>((code | (linear < 0 ? 0U : 0x80U)) ^ 0x55U);
}
int linear_of_mu_law(int code) {
  const int inverted = 255 - code;
  const int magnitude = ((2 * (inverted & 15) + 33) << (inverted >> 4 & 7)) * 4 - 132;
  return inverted >= 128 ? -magnitude : magnitude;
}
int linear_of_a_law(int code) {
  const int even = code ^ 0x55;
  const int segment = even >> 4 & 7;
  const int magnitude = segment == 0 ? (even & 15) * 16 + 8 : ((even & 15) * 16 + 264) << (segment - 1);
  return even >= 128 ? magnitude : -magnitude;
}

int linear_of(std::uint8_t code, std::uint32_t domain) {
  return domain == AL_DOMAIN_MU_LAW ? linear_of_mu_law(code) : linear_of_a_law(code);
}

bool is_refused(const std::uint8_t* begin, std::size_t window, const al_settings& settings, std::uint32_t domain) {
  if (std::set<std::uint8_t>(begin, begin + window).size() < 8) return true;
  if (domain == AL_DOMAIN_VERBATIM) return std::count(begin, begin + window, 0) > static_cast<long>(window / 2);
  int peak = 0;
  for (std::size_t at = 0; at < window; ++at) peak = std::max(peak, std::abs(linear_of(begin[at], domain)));
  return peak < settings.silence_threshold;
}

std::uint64_t sign(const al_settings& settings, const std::uint8_t* window, std::uint64_t hash, std::uint32_t domain) {
  if (settings.algorithm == AL_ROLLING_HASH) return fmix64(hash ^ domain);
  if (settings.algorithm == AL_CRC32) return crc32_bitwise(window, settings.window);
  return XXH64(window, settings.window, domain);
}

}  // namespace

std::vector<Selected> select_windows(const Bytes& symbols, std::uint32_t first, const al_settings& settings,
                                     std::uint32_t domain) {
  __u64 gear[256];
  al_gear_fill(gear);
  std::vector<Selected> found;
  const std::size_t window = settings.window;
  const unsigned shift = 64 / settings.window;
  for (std::size_t last = window - 1; last < symbols.size(); ++last) {
    const std::uint8_t* begin = symbols.data() + last + 1 - window;
    std::uint64_t hash = 0;
    for (std::size_t at = 0; at < window; ++at) hash = (hash << shift) + gear[begin[at]];
    const auto zeros = static_cast<std::uint32_t>(std::countl_zero(hash));
    if (zeros < settings.selectivity) continue;
    if (is_refused(begin, window, settings, domain)) continue;
    found.push_back({first + static_cast<std::uint32_t>(last), zeros, sign(settings, begin, hash, domain)});
  }
  return found;
}

std::vector<Selected> select_verbatim(const Bytes& bytes, const al_settings& settings) {
  Bytes symbols;
  for (std::size_t at = 4; at < bytes.size(); ++at)
    symbols.push_back(static_cast<std::uint8_t>(bytes[at] ^ bytes[at - 4]));
  return select_windows(symbols, 4, settings, AL_DOMAIN_VERBATIM);
}

Bytes companded_symbols(const Bytes& audio, al_codec codec, std::uint32_t domain) {
  const std::size_t step = codec == AL_CODEC_PCMU || codec == AL_CODEC_PCMA ? 1 : 2;
  Bytes symbols;
  for (std::size_t at = 0; at + step <= audio.size(); at += step) {
    int linear = codec == AL_CODEC_PCMU ? linear_of_mu_law(audio[at]) : linear_of_a_law(audio[at]);
    if (codec == AL_CODEC_PCM16LE) linear = static_cast<std::int16_t>(audio[at] | audio[at + 1] << 8);
    if (codec == AL_CODEC_PCM16BE) linear = static_cast<std::int16_t>(audio[at + 1] | audio[at] << 8);
    symbols.push_back(domain == AL_DOMAIN_MU_LAW ? mu_law_of(linear) : a_law_of(linear));
  }
  return symbols;
}

std::vector<Selected> select_companded(const Bytes& audio, al_codec codec, std::uint32_t domain,
                                       const al_settings& settings) {
  return select_windows(companded_symbols(audio, codec, domain), 0, settings, domain);
}

al_settings oracle_settings(al_algorithm algorithm, std::uint8_t window, std::uint8_t selectivity) {
  al_settings settings{};
  settings.algorithm = static_cast<std::uint8_t>(algorithm);
  settings.window = window;
  settings.selectivity = selectivity;
  settings.minimum_payload = 1;
  settings.silence_threshold = 256;
  settings.maximum_flows = 10'000;
  settings.tunnel_ports[0] = 4789;
  settings.tunnel_ports[1] = 8472;
  settings.tunnel_ports[2] = 6081;
  settings.decapsulate = 1;
  return settings;
}

}  // namespace audio_latency::test
