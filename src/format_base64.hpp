// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace audio_latency {

constexpr std::uint8_t kNoBase64 = 0xff;

// What each character stands for (RFC 4648, both alphabets), in six bits.
constexpr std::array<std::uint8_t, 256> base64_table() {
  std::array<std::uint8_t, 256> table{};
  for (auto& value : table) value = kNoBase64;
  for (unsigned i = 0; i < 26; ++i) {
    table['A' + i] = static_cast<std::uint8_t>(i);
    table['a' + i] = static_cast<std::uint8_t>(26 + i);
  }
  for (unsigned i = 0; i < 10; ++i) table['0' + i] = static_cast<std::uint8_t>(52 + i);
  table['+'] = table['-'] = 62;
  table['/'] = table['_'] = 63;
  return table;
}
constexpr auto kBase64 = base64_table();

constexpr std::size_t kBase64Behind = 8;  // bytes behind the decoded ones that may be written to

// Decodes groups of four characters to three bytes each. Returns how many, up to the first that is none.
std::size_t decode_base64_groups(const std::uint8_t* from, std::size_t groups, std::uint8_t* to);

}  // namespace audio_latency
