/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* XXH64 of a window (xxHash specification, version 0.1.1), for lengths of 16, 32 and 64 bytes. */
#pragma once

#include "audio_latency/wire/types.h"

#define AL_XXH_PRIME_1 0x9e3779b185ebca87ULL
#define AL_XXH_PRIME_2 0xc2b2ae3d27d4eb4fULL
#define AL_XXH_PRIME_3 0x165667b19e3779f9ULL
#define AL_XXH_PRIME_4 0x85ebca77c2b2ae63ULL
#define AL_XXH_PRIME_5 0x27d4eb2f165667c5ULL

AL_INLINE __u64 al_rotate_left(__u64 value, int bits) {
  return (value << bits) | (value >> (64 - bits));
}

AL_INLINE __u64 al_xxh_round(__u64 lane, __u64 input) {
  return al_rotate_left(lane + input * AL_XXH_PRIME_2, 31) * AL_XXH_PRIME_1;
}

AL_INLINE __u64 al_xxh_merge(__u64 hash, __u64 lane) {
  return (hash ^ al_xxh_round(0, lane)) * AL_XXH_PRIME_1 + AL_XXH_PRIME_4;
}

AL_INLINE __u64 al_xxh_avalanche(__u64 hash) {
  hash = (hash ^ (hash >> 33)) * AL_XXH_PRIME_2;
  hash = (hash ^ (hash >> 29)) * AL_XXH_PRIME_3;
  return hash ^ (hash >> 32);
}

/* `length` is a constant where it matters (BPF): 32 or 64. */
AL_INLINE __u64 al_xxh64_stripes(const __u8* data, __u32 length, __u64 seed) {
  __u64 a = seed + AL_XXH_PRIME_1 + AL_XXH_PRIME_2;
  __u64 b = seed + AL_XXH_PRIME_2;
  __u64 c = seed;
  __u64 d = seed - AL_XXH_PRIME_1;
  AL_UNROLL
  for (__u32 at = 0; at < length; at += 32) {
    a = al_xxh_round(a, al_load64(data + at));
    b = al_xxh_round(b, al_load64(data + at + 8));
    c = al_xxh_round(c, al_load64(data + at + 16));
    d = al_xxh_round(d, al_load64(data + at + 24));
  }
  __u64 hash = al_rotate_left(a, 1) + al_rotate_left(b, 7) + al_rotate_left(c, 12) + al_rotate_left(d, 18);
  hash = al_xxh_merge(al_xxh_merge(hash, a), b);
  hash = al_xxh_merge(al_xxh_merge(hash, c), d);
  return al_xxh_avalanche(hash + length);
}

AL_INLINE __u64 al_xxh64_16(const __u8* data, __u64 seed) {
  __u64 hash = seed + AL_XXH_PRIME_5 + 16;
  AL_UNROLL
  for (__u32 at = 0; at < 16; at += 8) {
    hash ^= al_xxh_round(0, al_load64(data + at));
    hash = al_rotate_left(hash, 27) * AL_XXH_PRIME_1 + AL_XXH_PRIME_4;
  }
  return al_xxh_avalanche(hash);
}

AL_INLINE __u64 al_xxh64(const __u8* data, __u32 length, __u64 seed) {
  if (length == 64) return al_xxh64_stripes(data, 64, seed);
  if (length == 32) return al_xxh64_stripes(data, 32, seed);
  return al_xxh64_16(data, seed);
}

#define AL_PAYLOAD_MIN 16 /* bytes: shorter payloads are comfort noise and events */
#define AL_PAYLOAD_MAX 1500

/* XXH64 of `length` bytes, at most AL_PAYLOAD_MAX; so many and 32 more must be readable. */
AL_INLINE __u64 al_xxh64_any(const __u8* data, __u32 length, __u64 seed) {
  __u64 lanes[4] = {seed + AL_XXH_PRIME_1 + AL_XXH_PRIME_2, seed + AL_XXH_PRIME_2, seed, seed - AL_XXH_PRIME_1};
  __u64 hash = seed + AL_XXH_PRIME_5;
  __u32 at = 0;
  AL_NO_UNROLL
  for (__u32 stripe = 0; stripe < AL_PAYLOAD_MAX / 32; ++stripe) {
    if (at + 32 > length) break;
    AL_UNROLL
    for (__u32 lane = 0; lane < 4; ++lane) lanes[lane] = al_xxh_round(lanes[lane], al_load64(data + at + 8 * lane));
    at += 32;
  }
  if (at != 0) {
    hash = al_rotate_left(lanes[0], 1) + al_rotate_left(lanes[1], 7) + al_rotate_left(lanes[2], 12) +
           al_rotate_left(lanes[3], 18);
    AL_UNROLL
    for (__u32 lane = 0; lane < 4; ++lane) hash = al_xxh_merge(hash, lanes[lane]);
  }
  hash += length;
  AL_UNROLL
  for (__u32 word = 0; word < 3; ++word) {
    if (at + 8 > length) break;
    hash = al_rotate_left(hash ^ al_xxh_round(0, al_load64(data + at)), 27) * AL_XXH_PRIME_1 + AL_XXH_PRIME_4;
    at += 8;
  }
  if (at + 4 <= length) {
    hash = al_rotate_left(hash ^ (al_load32(data + at) * AL_XXH_PRIME_1), 23) * AL_XXH_PRIME_2 + AL_XXH_PRIME_3;
    at += 4;
  }
  AL_UNROLL
  for (__u32 byte = 0; byte < 3; ++byte) {
    if (at + 1 > length) break;
    hash = al_rotate_left(hash ^ (data[at] * AL_XXH_PRIME_5), 11) * AL_XXH_PRIME_1;
    at += 1;
  }
  return al_xxh_avalanche(hash);
}
