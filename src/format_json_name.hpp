// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "format_layer.hpp"

namespace audio_latency {

constexpr std::uint64_t kNamePrime = 0x9e3779b97f4a7c15;

template <std::size_t... kIndex>
constexpr std::uint64_t name_word(const std::uint8_t* from, std::index_sequence<kIndex...>) {
  return (... | (std::uint64_t{from[kIndex]} << (8 * kIndex)));
}

// What tells names apart: eight characters at a time, the last ones again where they are fewer.
constexpr std::uint64_t hash_name(ByteSpan name) {
  constexpr std::make_index_sequence<8> kWord;
  constexpr std::make_index_sequence<4> kHalf;
  const std::uint8_t* from = name.data();
  const std::size_t size = name.size();
  std::uint64_t state = (size + 1) * kNamePrime;
  const auto mix = [&](std::uint64_t some) {
    state ^= some;
    state =
        (state ^ state >> 32) * kNamePrime;  // the last characters of a word would else change its highest bits only
  };
  if (size >= 8) {
    const std::uint8_t* last = from + size - 8;
    for (; from < last; from += 8) mix(name_word(from, kWord));
    mix(name_word(last, kWord));
  } else if (size >= 4) {
    mix(name_word(from, kHalf) | name_word(from + size - 4, kHalf) << 32);
  } else if (size > 0) {
    mix(from[0] | std::uint64_t{from[size / 2]} << 8 | std::uint64_t{from[size - 1]} << 16);
  }
  return state;
}

consteval std::uint64_t hash_name(std::string_view text) {
  std::array<std::uint8_t, 16> name{};
  std::copy(text.begin(), text.end(), name.begin());
  return hash_name(ByteSpan(name).first(text.size()));
}

}  // namespace audio_latency
