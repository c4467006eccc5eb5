/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The scan of a block, in the form that is fast as BPF: symbols eight at a time into a scratch area, then a narrow load
 * and a table look-up each, two symbols a step (the hash of the second depends on the hash before the first by one
 * shift and one addition, which halves the chain of dependent instructions), and one branch a symbol. */
#pragma once

#include "audio_latency/wire/scan.h"

#define AL_BLOCK 32 /* symbols */

/* Verbatim symbols of AL_BLOCK bytes; the AL_LAG bytes before `bytes` are read too. */
AL_INLINE void al_block_symbols(__u8* symbols, const __u8* bytes) {
  AL_UNROLL
  for (__u32 at = 0; at < AL_BLOCK; at += 8)
    al_store64(symbols + at, al_load64(bytes + at) ^ al_load64(bytes + at - AL_LAG));
  AL_FORGET(); /* or clang takes the symbols out of the words by shifts, which is slower */
}

/* Rolls over at most AL_BLOCK symbols, to the first hash below `threshold`. Returns how many were consumed, that one
 * included; *hash is the hash after the last of them. */
AL_INLINE __u32 al_block_roll(const __u8* symbols, const __u64* gear, __u64* hash, __u64 threshold, __u32 shift) {
  __u64 h = *hash;
  AL_UNROLL
  for (__u32 at = 0; at < AL_BLOCK; at += 2) {
    const __u64 first = gear[symbols[at]];
    __u64 both = (first << shift) + gear[symbols[at + 1]];
    __asm__ volatile("" : "+r"(both)); /* or clang folds it back into one chain */
    const __u64 middle = (h << shift) + first;
    h = (h << (2 * shift)) + both;
    if (middle < threshold) {
      *hash = middle;
      return at + 1;
    }
    if (h < threshold) {
      *hash = h;
      return at + 2;
    }
  }
  *hash = h;
  return AL_BLOCK;
}

/* The same over `count` symbols, at most AL_BLOCK. */
AL_INLINE __u32 al_block_roll_some(const __u8* symbols, __u32 count, const __u64* gear, __u64* hash, __u64 threshold,
                                   __u32 shift) {
  __u64 h = *hash;
  AL_UNROLL
  for (__u32 at = 0; at < AL_BLOCK; ++at) {
    if (at >= count) {
      *hash = h;
      return at;
    }
    h = al_roll(h, gear[symbols[at]], shift);
    if (h < threshold) {
      *hash = h;
      return at + 1;
    }
  }
  *hash = h;
  return AL_BLOCK;
}
