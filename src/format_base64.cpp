// SPDX-License-Identifier: Apache-2.0
#include "format_base64.hpp"

#include <cstring>
#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace audio_latency {
namespace {

constexpr std::uint32_t kNone = 1U << 31;

// Each character of a group where its bits belong in memory: a group's three bytes, and one that the next overwrites.
constexpr std::array<std::array<std::uint32_t, 256>, 4> group_tables() {
  std::array<std::array<std::uint32_t, 256>, 4> tables{};
  for (unsigned place = 0; place < 4; ++place) {
    for (unsigned c = 0; c < 256; ++c) {
      const std::uint32_t bits = static_cast<std::uint32_t>(kBase64[c]) << (18 - 6 * place);
      tables[place][c] = kBase64[c] == kNoBase64 ? kNone : bits >> 16 | (bits & 0xff00) | (bits & 0xff) << 16;
    }
  }
  return tables;
}
constexpr auto kGroup = group_tables();

std::uint32_t decode_group(const std::uint8_t* group, std::uint8_t* to) {
  const std::uint32_t bytes = kGroup[0][group[0]] | kGroup[1][group[1]] | kGroup[2][group[2]] | kGroup[3][group[3]];
  std::memcpy(to, &bytes, sizeof bytes);
  return bytes;
}

#ifdef __x86_64__
// Of a character's halves: which it may not have together, a bit for each upper half that letters and digits have, the
// highest for all others; and what to add to it.
struct Halves {
  std::array<std::uint8_t, 16> lower{}, upper{}, add{}, signs{};

  constexpr Halves() {
    for (unsigned half = 0; half < 16; ++half) {
      lower[half] = 0x80;
      upper[half] = half >= 2 && half < 8 ? static_cast<std::uint8_t>(1U << (half - 2)) : 0x80;
      for (unsigned other = 2; other < 8; ++other)
        if (kBase64[16 * other + half] == kNoBase64) lower[half] |= static_cast<std::uint8_t>(1U << (other - 2));
      signs[half] = kBase64[0x20 + half];
    }
    for (const char c : {'0', 'A', 'P', 'a', 'p'})
      add[static_cast<unsigned>(c) / 16] = static_cast<std::uint8_t>(kBase64[static_cast<std::uint8_t>(c)] - c);
  }
};
constexpr Halves kHalves;

[[gnu::target("avx2")]] __m256i both(const std::array<std::uint8_t, 16>& table) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table.data())));
}

// Eight groups at a time, up to eight of which one is none.
[[gnu::target("avx2")]] std::size_t decode_eights(const std::uint8_t* from, std::size_t groups, std::uint8_t* to) {
  const __m256i lower = both(kHalves.lower), upper = both(kHalves.upper), add = both(kHalves.add);
  const __m256i signs = both(kHalves.signs), half = _mm256_set1_epi8(15);
  const __m256i order = both({2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 0x80, 0x80, 0x80, 0x80});
  const __m256i together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
  std::size_t done = 0;
  for (; groups - done >= 8; done += 8, from += 32, to += 24) {
    const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), half);
    const bool plain = _mm256_testz_si256(_mm256_shuffle_epi8(lower, text), _mm256_shuffle_epi8(upper, high)) != 0;
    if (!plain || _mm256_movemask_epi8(text) != 0) break;
    const __m256i last = _mm256_cmpeq_epi8(text, _mm256_set1_epi8('_'));
    const __m256i sign = _mm256_cmpgt_epi8(_mm256_set1_epi8('0'), text);
    __m256i six = _mm256_add_epi8(text, _mm256_shuffle_epi8(add, high));
    six = _mm256_blendv_epi8(six, _mm256_shuffle_epi8(signs, text), sign);
    six = _mm256_blendv_epi8(six, _mm256_set1_epi8(63), last);
    const __m256i twelve = _mm256_maddubs_epi16(six, _mm256_set1_epi16(0x0140));
    const __m256i all = _mm256_shuffle_epi8(_mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000)), order);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_permutevar8x32_epi32(all, together));
  }
  return done;
}

const bool kEights = __builtin_cpu_supports("avx2") != 0;
#endif

}  // namespace

std::size_t decode_base64_groups(const std::uint8_t* from, std::size_t groups, std::uint8_t* to) {
  std::size_t done = 0;
#ifdef __x86_64__
  if (kEights) done = decode_eights(from, groups, to);
  from += 4 * done;
  to += 3 * done;
#endif
  for (; groups - done >= 4; done += 4, from += 16, to += 12) {
    const std::uint32_t all = decode_group(from, to) | decode_group(from + 4, to + 3) | decode_group(from + 8, to + 6) |
                              decode_group(from + 12, to + 9);
    if ((all & kNone) != 0) break;
  }
  for (; done < groups && (decode_group(from, to) & kNone) == 0; ++done, from += 4, to += 3) {
  }
  return done;
}

}  // namespace audio_latency
