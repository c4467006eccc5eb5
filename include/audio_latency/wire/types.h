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
