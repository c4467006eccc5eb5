/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Fixed-width types and annotations for headers that clang compiles for BPF and g++ for the daemon. No helper calls
 * here. */
#pragma once

#include <linux/types.h>

#ifdef __cplusplus
#define AL_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define AL_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define AL_INLINE static inline __attribute__((always_inline, unused))

#ifdef __bpf__
#define AL_UNROLL _Pragma("unroll")
#define AL_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define AL_UNROLL
#define AL_NO_UNROLL
#endif

/* The compiler must load again from memory what it stored: in BPF, what comes back from a map is unknown to the
 * verifier, which keeps its states few. */
#define AL_FORGET() __asm__ volatile("" ::: "memory")

/* Unaligned little-endian loads and stores. clang splits memcpy of unaligned data into bytes when it compiles for BPF,
 * whose loads may be unaligned in map values wherever this program runs. */
#ifdef __bpf__
typedef __u64 __attribute__((may_alias)) al_u64_alias;
typedef __u32 __attribute__((may_alias)) al_u32_alias;
typedef __u16 __attribute__((may_alias)) al_u16_alias;
#define al_load64(at) (*(const al_u64_alias*)(at))
#define al_load32(at) (*(const al_u32_alias*)(at))
#define al_load16(at) (*(const al_u16_alias*)(at))
#define al_store64(at, value) (*(al_u64_alias*)(at) = (value))
#define al_store32(at, value) (*(al_u32_alias*)(at) = (value))
#else
AL_INLINE __u64 al_load64(const __u8* at) {
  __u64 value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}
AL_INLINE __u32 al_load32(const __u8* at) {
  __u32 value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}
AL_INLINE __u16 al_load16(const __u8* at) {
  __u16 value;
  __builtin_memcpy(&value, at, sizeof value);
  return value;
}
AL_INLINE void al_store64(__u8* at, __u64 value) {
  __builtin_memcpy(at, &value, sizeof value);
}
AL_INLINE void al_store32(__u8* at, __u32 value) {
  __builtin_memcpy(at, &value, sizeof value);
}
#endif

/* Network byte order. */
AL_INLINE __u16 al_be16(const __u8* at) {
  return __builtin_bswap16(al_load16(at));
}
AL_INLINE __u32 al_be32(const __u8* at) {
  return __builtin_bswap32(al_load32(at));
}
AL_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "signatures are defined on little-endian loads");
