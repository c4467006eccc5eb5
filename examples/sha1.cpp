// SPDX-License-Identifier: Apache-2.0
#include "sha1.hpp"

#include <bit>
#include <string>

namespace audio_latency::examples {
namespace {

using State = std::array<std::uint32_t, 5>;

std::uint32_t mix(std::size_t round, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  switch (round / 20) {
    case 0:
      return ((b & c) | (~b & d)) + 0x5A827999;
    case 2:
      return ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC;
    default:
      return (b ^ c ^ d) + (round < 40 ? 0x6ED9EBA1 : 0xCA62C1D6);
  }
}

void add_block(State& state, std::string_view block) {
  std::array<std::uint32_t, 80> word{};
  for (std::size_t i = 0; i < 64; ++i) {
    word[i / 4] = word[i / 4] << 8 | static_cast<std::uint8_t>(block[i]);
  }
  for (std::size_t i = 16; i < 80; ++i) {
    word[i] = std::rotl(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
  }
  auto [a, b, c, d, e] = state;
  for (std::size_t i = 0; i < 80; ++i) {
    const std::uint32_t next = std::rotl(a, 5) + mix(i, b, c, d) + e + word[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

}  // namespace

std::array<std::uint8_t, 20> sha1(std::string_view message) {
  std::string padded(message);
  padded += '\x80';
  padded.resize((padded.size() + 8 + 63) / 64 * 64);
  const std::uint64_t bits = message.size() * 8;
  for (std::size_t i = 0; i < 8; ++i) {
    padded[padded.size() - 1 - i] = static_cast<char>(bits >> (8 * i));
  }
  State state{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  for (std::size_t i = 0; i < padded.size(); i += 64) {
    add_block(state, std::string_view(padded).substr(i, 64));
  }
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace audio_latency::examples
