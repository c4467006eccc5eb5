// SPDX-License-Identifier: Apache-2.0
// Segment and interval of a G.711 code are the exponent and the first four bits of the fraction of the magnitude as a
// floating-point number (IEEE 754), which is exact for so small numbers. The loops are such that compilers vectorise
// them.
#include "format_compand.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "audio_latency/wire/g711.h"

namespace audio_latency {
namespace {

// Exponent, less `lowest`, and interval of a magnitude from 2^lowest on.
[[gnu::always_inline]] inline std::int32_t segment_and_interval(std::int32_t magnitude, int lowest) {
  constexpr int kExponentBias = 127, kFractionBits = 23, kIntervalBits = 4;
  const auto bits = std::bit_cast<std::int32_t>(static_cast<float>(magnitude));
  return (bits >> (kFractionBits - kIntervalBits)) - ((kExponentBias + lowest) << kIntervalBits);
}

struct MuLaw {
  [[gnu::always_inline]] static std::int32_t encode(std::int32_t sample) {
    const std::int32_t sign = sample >> 31;
    const std::int32_t magnitude = std::min((sample ^ sign) - sign, AL_MU_LAW_CLIP) + AL_MU_LAW_BIAS;
    return segment_and_interval(magnitude, 7) ^ (sign & 0x80) ^ 0xff;
  }
};

struct ALaw {
  [[gnu::always_inline]] static std::int32_t encode(std::int32_t sample) {
    const std::int32_t sign = sample >> 31;
    const std::int32_t magnitude = (sample ^ sign) >> 4;  // ones' complement for negatives
    return (magnitude < 16 ? magnitude : segment_and_interval(magnitude, 3)) ^ (sign & 0x80) ^ 0xd5;
  }
};

template <class Law, bool big_endian>
[[gnu::always_inline]] inline void encode(const std::uint8_t* samples, std::size_t count, std::uint8_t* codes) {
  constexpr std::size_t kBlock = 256;
  std::uint16_t words[kBlock];
  std::uint8_t coded[kBlock];
  for (std::size_t at = 0; at < count; at += kBlock) {
    const std::size_t size = std::min(kBlock, count - at);
    std::memcpy(words, samples + 2 * at, 2 * size);
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint16_t word = big_endian ? static_cast<std::uint16_t>(words[i] << 8 | words[i] >> 8) : words[i];
      coded[i] = static_cast<std::uint8_t>(Law::encode(static_cast<std::int16_t>(word)));
    }
    std::memcpy(codes + at, coded, size);
  }
}

// Compiled twice, and chosen when the program starts, where the compiler can (clang's sanitizers can't).
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define AL_ALSO_FOR_AVX2 [[gnu::target_clones("avx2", "default")]]
#else
#define AL_ALSO_FOR_AVX2
#endif

}  // namespace

AL_ALSO_FOR_AVX2
void compand(Domain domain, bool big_endian, const std::uint8_t* samples, std::size_t count, std::uint8_t* codes) {
  if (domain == Domain::a_law)
    big_endian ? encode<ALaw, true>(samples, count, codes) : encode<ALaw, false>(samples, count, codes);
  else
    big_endian ? encode<MuLaw, true>(samples, count, codes) : encode<MuLaw, false>(samples, count, codes);
}

void one_mu_law_zero(std::span<const std::uint8_t> codes, std::uint8_t* to) {
  constexpr std::uint64_t kEach = 0x0101010101010101, kNegativeZero = 0x7f * kEach;
  std::size_t at = 0;
  for (; at + 8 <= codes.size(); at += 8) {
    const std::uint64_t some = al_load64(codes.data() + at);
    const std::uint64_t others = some ^ kNegativeZero;
    const std::uint64_t zeros = ~(((others & 0x7f * kEach) + 0x7f * kEach) | others) & 0x80 * kEach;
    al_store64(to + at, some | zeros);
  }
  for (; at < codes.size(); ++at) to[at] = codes[at] == 0x7f ? 0xff : codes[at];
}

}  // namespace audio_latency
