/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The definition of signatures (docs: signature-spec): symbol update, selection, gates, signature. The kernel program,
 * the daemon's decoders and the offline replay all use this header and no other definition. */
#pragma once

#include "audio_latency/wire/crc32.h"
#include "audio_latency/wire/event.h"
#include "audio_latency/wire/gear.h"
#include "audio_latency/wire/settings.h"
#include "audio_latency/wire/xxh64.h"

#define AL_LAG 4             /* bytes: the verbatim symbol is b[i] ^ b[i - AL_LAG] */
#define AL_WINDOW_MAX 64     /* symbols */
#define AL_SELECTIVITY_MIN 8 /* leading zero bits */
#define AL_SELECTIVITY_MAX 16
#define AL_DISTINCT_MIN 8 /* symbols: fewer are a tone, or silence with dither */

/* The rolling hash after one more symbol. 64 / window bits a symbol: the top bits depend on `window` symbols. */
AL_INLINE __u64 al_roll(__u64 hash, __u64 gear, __u32 shift) {
  return (hash << shift) + gear;
}
AL_INLINE __u32 al_roll_shift(__u32 window) {
  return AL_WINDOW_MAX / window;
}

/* A position is selected where hash < al_threshold(k): its top k bits are 0. */
AL_INLINE __u64 al_threshold(__u32 selectivity) {
  return 1ULL << (64 - selectivity);
}
/* A payload's signature selects itself; here k may be 0. */
AL_INLINE int al_is_selected(__u64 hash, __u32 selectivity) {
  return selectivity == 0 || hash >> (64 - selectivity) == 0;
}

/* 64 for 0. No count-leading-zeros instruction in BPF. */
AL_INLINE __u32 al_leading_zeros(__u64 value) {
  __u32 zeros = 0;
  AL_UNROLL
  for (__u32 step = 32; step > 0; step /= 2) {
    if (value >> (64 - step) == 0) {
      zeros += step;
      value <<= step;
    }
  }
  return zeros + (value == 0 ? 1 : 0);
}

/* Zero bytes among `length` (a multiple of 8). */
AL_INLINE __u32 al_count_zeros(const __u8* symbols, __u32 length) {
  const __u64 low = 0x7f7f7f7f7f7f7f7fULL;
  __u64 sum = 0; /* eight counters of at most 8 */
  AL_UNROLL
  for (__u32 at = 0; at < AL_WINDOW_MAX; at += 8) {
    if (at >= length) break;
    const __u64 word = al_load64(symbols + at);
    sum += (~(((word & low) + low) | word | low)) >> 7;
  }
  return (__u32)((sum * 0x0101010101010101ULL) >> 56);
}

/* Is at least AL_DISTINCT_MIN of the bits set? */
AL_INLINE int al_has_many_bits(__u64 bits) {
  AL_UNROLL
  for (int cleared = 1; cleared < AL_DISTINCT_MIN; ++cleared) bits &= bits - 1;
  return bits != 0;
}

AL_INLINE __u32 al_count_bits(__u64 bits) {
  bits -= (bits >> 1) & 0x5555555555555555ULL;
  bits = (bits & 0x3333333333333333ULL) + ((bits >> 2) & 0x3333333333333333ULL);
  return (__u32)((((bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0fULL) * 0x0101010101010101ULL) >> 56);
}

/* Distinct values among `length` symbols, without a branch on their values (the verifier would follow each). */
AL_INLINE __u32 al_count_distinct(const __u8* symbols, __u32 length) {
  __u64 quarter[4] = {0, 0, 0, 0};
  for (__u32 at = 0; at < length; ++at) {
    const __u64 bit = 1ULL << (symbols[at] & 63);
    const __u64 number = symbols[at] >> 6;
    AL_UNROLL
    for (__u64 q = 0; q < 4; ++q) {
      const __u64 other = number ^ q; /* 0 to 3; 0: this quarter */
      quarter[q] |= bit & (((other | -other) >> 63) - 1);
    }
  }
  return al_count_bits(quarter[0]) + al_count_bits(quarter[1]) + al_count_bits(quarter[2]) + al_count_bits(quarter[3]);
}

AL_INLINE int al_has_distinct(const __u8* symbols, __u32 length) {
  __u64 classes = 0; /* by the low six bits: as many classes are at least as many values */
  AL_UNROLL
  for (__u32 at = 0; at < 16; ++at) classes |= 1ULL << (symbols[at] & 63);
  if (al_has_many_bits(classes)) return 1;
  return al_count_distinct(symbols, length) >= AL_DISTINCT_MIN;
}

/* Why a selected window of the verbatim domain is refused; AL_REFUSALS: it is not. */
AL_INLINE __u32 al_refuse_verbatim(const __u8* symbols, __u32 window) {
  /* Not more than half can be 0 where none of the first half is. */
  if (al_count_zeros(symbols, window / 2) != 0 && al_count_zeros(symbols, window) > window / 2)
    return AL_REFUSED_SILENCE;
  if (!al_has_distinct(symbols, window)) return AL_REFUSED_FEW_SYMBOLS;
  return AL_REFUSALS;
}

/* The same for the companded domains. `peak`: largest |linear sample| of the window. */
AL_INLINE __u32 al_refuse_companded(const __u8* symbols, __u32 window, __u32 peak, __u32 silence_threshold) {
  if (peak < silence_threshold) return AL_REFUSED_SILENCE;
  if (!al_has_distinct(symbols, window)) return AL_REFUSED_FEW_SYMBOLS;
  return AL_REFUSALS;
}

/* 64-bit finaliser of MurmurHash3 (Appleby). */
AL_INLINE __u64 al_fmix64(__u64 value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdULL;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

/* Signature of the window whose last symbol made the rolling hash `hash`. */
AL_INLINE __u64 al_signature(__u32 algorithm, const __u8* symbols, __u32 window, __u64 hash, __u32 domain) {
  if (algorithm == AL_ROLLING_HASH) return al_fmix64(hash ^ domain);
  if (algorithm == AL_CRC32) return al_crc32(symbols, window);
  return al_xxh64(symbols, window, domain);
}
