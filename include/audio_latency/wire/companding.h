/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Symbols of the companded domains: from a codec's bytes to G.711 codes by tables, and what a window of codes sounds
 * like. Peak and zero crossings are those of the codes, which all hops share, not of the samples, which they do not. */
#pragma once

#include "audio_latency/wire/g711.h"
#include "audio_latency/wire/gear.h"
#include "audio_latency/wire/scan.h"
#include "audio_latency/wire/treatment.h"

#define AL_COMPANDED 2 /* domains: 0 mu-law, 1 A-law */

AL_INLINE int al_codec_is_g711(__u32 codec) {
  return codec == AL_CODEC_PCMU || codec == AL_CODEC_PCMA;
}
AL_INLINE int al_codec_is_linear(__u32 codec) {
  return codec == AL_CODEC_PCM16LE || codec == AL_CODEC_PCM16BE;
}

/* Of a G.711 code, the symbol of a domain: one of four tables, one of which changes nothing. Linear samples use the
 * tables of struct al_encoders first, then AL_TABLE_PLAIN. */
enum al_table { AL_TABLE_PLAIN = 0, AL_TABLE_MU_TO_MU, AL_TABLE_A_TO_MU, AL_TABLE_MU_TO_A, AL_TABLES };
AL_INLINE __u32 al_table_of(__u32 codec, __u32 domain) {
  if (domain == AL_DOMAIN_MU_LAW && codec == AL_CODEC_PCMU) return AL_TABLE_MU_TO_MU; /* 0x7f and 0xff are both 0 */
  if (domain == AL_DOMAIN_MU_LAW && codec == AL_CODEC_PCMA) return AL_TABLE_A_TO_MU;
  if (domain == AL_DOMAIN_A_LAW && codec == AL_CODEC_PCMU) return AL_TABLE_MU_TO_A;
  return AL_TABLE_PLAIN;
}
AL_INLINE __u8 al_recode(__u32 table, __u8 code) {
  if (table == AL_TABLE_MU_TO_MU) return al_mu_law_encode(al_mu_law_decode(code));
  if (table == AL_TABLE_A_TO_MU) return al_mu_law_encode(al_a_law_decode(code));
  if (table == AL_TABLE_MU_TO_A) return al_a_law_encode(al_mu_law_decode(code));
  return code;
}

/* The code of each 16-bit linear value, read as unsigned, in both companded domains. */
struct al_encoders {
  __u8 code[AL_COMPANDED][65536];
};
static inline __attribute__((unused)) void al_encoders_fill(struct al_encoders* encoders) {
  for (__u32 value = 0; value < 65536; ++value) {
    encoders->code[0][value] = al_mu_law_encode((__s16)value);
    encoders->code[1][value] = al_a_law_encode((__s16)value);
  }
}

/* In each byte the larger one of two values below 128. */
AL_INLINE __u64 al_larger_bytes(__u64 a, __u64 b) {
  const __u64 high = 0x8080808080808080ULL;
  const __u64 mask = ((((a | high) - b) & high) >> 7) * 0xff; /* 0xff where a >= b */
  return (a & mask) | (b & ~mask);
}

/* Largest |linear value| of a window (a multiple of 8 codes). */
AL_INLINE __u32 al_window_peak(const __u8* codes, __u32 window, __u32 domain) {
  /* The seven bits that rise with the magnitude. */
  const __u64 turn = domain == AL_DOMAIN_MU_LAW ? 0x7f7f7f7f7f7f7f7fULL : 0x5555555555555555ULL;
  const __u64 low = 0x7f7f7f7f7f7f7f7fULL;
  __u64 largest = 0;
  AL_UNROLL
  for (__u32 at = 0; at < AL_WINDOW_MAX; at += 8) {
    if (at >= window) break;
    largest = al_larger_bytes(largest, (al_load64(codes + at) ^ turn) & low);
  }
  AL_UNROLL
  for (__u32 half = 32; half >= 8; half /= 2) largest = al_larger_bytes(largest, largest >> half);
  const __u8 code = (__u8)(((__u8)largest ^ (__u8)turn) & 0x7f);
  return (__u32) - (domain == AL_DOMAIN_MU_LAW ? al_mu_law_decode(code) : al_a_law_decode(code)); /* bit 7 clear: < 0 */
}

/* Changes of sign between neighbours in a window; bit 7 of a code is set where the value is not negative. */
AL_INLINE __u32 al_window_crossings(const __u8* codes, __u32 window) {
  __u64 signs = 0;
  AL_UNROLL
  for (__u32 at = 0; at < AL_WINDOW_MAX; at += 8) {
    if (at >= window) break;
    const __u64 bits = al_load64(codes + at) & 0x8080808080808080ULL;
    signs |= ((bits * 0x0002040810204081ULL) >> 56) << at; /* the eight sign bits beside each other */
  }
  const __u64 changes = signs ^ (signs >> 1);
  return al_count_bits(changes & ((1ULL << (window - 1)) - 1));
}
