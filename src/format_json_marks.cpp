// SPDX-License-Identifier: Apache-2.0
#include "format_json_marks.hpp"

#include <algorithm>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace audio_latency {
namespace {

#ifdef __SSE2__
std::uint64_t marks_of_16(const std::uint8_t* from) {
  const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  // With this bit turned over, the quote follows the control characters.
  const __m128i low = _mm_subs_epu8(_mm_xor_si128(some, _mm_set1_epi8(2)), _mm_set1_epi8('"' ^ 2));
  const __m128i none = _mm_min_epu8(low, _mm_xor_si128(some, _mm_set1_epi8('\\')));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(none, _mm_setzero_si128())));
}
#endif

}  // namespace

std::uint64_t json_marks(const std::uint8_t* block, const std::uint8_t* begin, const std::uint8_t* end) {
  const std::size_t size = std::min(static_cast<std::size_t>(end - block), kMarksBlock);
#ifdef __SSE2__
  if (static_cast<std::size_t>(end - begin) >= kMarksBlock) {
    const std::uint8_t* from = block + size - kMarksBlock;
    const std::uint64_t low = marks_of_16(from) | marks_of_16(from + 16) << 16;
    const std::uint64_t high = marks_of_16(from + 32) | marks_of_16(from + 48) << 16;
    return (low | high << 32) >> (kMarksBlock - size);
  }
#endif
  std::uint64_t marks = 0;
  for (std::size_t i = 0; i < size; ++i)
    if (block[i] == '"' || block[i] == '\\' || block[i] < 0x20) marks |= std::uint64_t{1} << i;
  return marks;
}

}  // namespace audio_latency
