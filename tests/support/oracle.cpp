// SPDX-License-Identifier: Apache-2.0
#include "support/oracle.hpp"

#include <xxhash.h>

#include <algorithm>
#include <bit>
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
    if (domain == AL_DOMAIN_VERBATIM && std::count(begin, begin + window, 0) > static_cast<long>(window / 2)) continue;
    if (std::set<std::uint8_t>(begin, begin + window).size() < 8) continue;
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

al_settings oracle_settings(al_algorithm algorithm, std::uint8_t window, std::uint8_t selectivity) {
  al_settings settings{};
  settings.algorithm = static_cast<std::uint8_t>(algorithm);
  settings.window = window;
  settings.selectivity = selectivity;
  settings.minimum_payload = 1;
  settings.maximum_flows = 10'000;
  settings.tunnel_ports[0] = 4789;
  settings.tunnel_ports[1] = 8472;
  settings.tunnel_ports[2] = 6081;
  settings.decapsulate = 1;
  return settings;
}

}  // namespace audio_latency::test
