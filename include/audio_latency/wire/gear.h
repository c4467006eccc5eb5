/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of the rolling hash: a 64-bit number for each symbol (Gear hash, FastCDC). */
#pragma once

#include "audio_latency/wire/types.h"

/* SplitMix64 (Steele, Lea, Flood 2014): advances the state, returns the next output. */
AL_INLINE __u64 al_splitmix64(__u64* state) {
  __u64 z = (*state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/* GEAR of signature-spec: the first 256 outputs with seed 0. The kernel's copy is written by the loader. */
static inline __attribute__((unused)) void al_gear_fill(__u64 gear[256]) {
  __u64 state = 0;
  for (int symbol = 0; symbol < 256; ++symbol) gear[symbol] = al_splitmix64(&state);
}
