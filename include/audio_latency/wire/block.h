/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The scan of a block, in the form that is fast as BPF: symbols eight at a time into a scratch area, then a narrow load
 * and a table look-up each, two symbols a step (the hash of the second depends on the hash before the first by one
 * shift and one addition, which halves the chain of dependent instructions), and one branch a symbol. */
#pragma once

#include "audio_latency/wire/companding.h"

#define AL_BLOCK 32 /* symbols */

/* AL_BLOCK symbols of one byte each. Verbatim: the AL_LAG bytes before `bytes` are read too; other domains take the
 * bytes as they are. `verbatim`: all bits set, or none. */
AL_INLINE void al_block_symbols(__u8* symbols, const __u8* bytes, __u64 verbatim) {
  AL_UNROLL
  for (__u32 at = 0; at < AL_BLOCK; at += 8)
    al_store64(symbols + at, al_load64(bytes + at) ^ (al_load64(bytes + at - AL_LAG) & verbatim));
  AL_FORGET(); /* or clang takes the symbols out of the words by shifts, which is slower */
}

/* AL_BLOCK symbols of two bytes each, by an encoder's table. */
AL_INLINE void al_block_codes(__u8* symbols, const __u8* bytes, const __u8* encoder, int big_endian) {
  if (big_endian) {
    AL_UNROLL
    for (__u32 at = 0; at < AL_BLOCK; ++at) symbols[at] = encoder[al_be16(bytes + 2 * at)];
  } else {
    AL_UNROLL
    for (__u32 at = 0; at < AL_BLOCK; ++at) symbols[at] = encoder[al_load16(bytes + 2 * at)];
  }
  AL_FORGET();
}

/* A table as the block scan uses it: GEAR by symbol, or by what al_recode() makes the symbol of; then the same shifted
 * by one symbol more. */
struct al_gear {
  __u64 plain[256];
  __u64 shifted[256];
};
static inline __attribute__((unused)) void al_gear_fill_both(struct al_gear* gear, __u32 window) {
  al_gear_fill(gear->plain);
  for (int symbol = 0; symbol < 256; ++symbol) gear->shifted[symbol] = gear->plain[symbol] << al_roll_shift(window);
}
static inline __attribute__((unused)) void al_gears_fill(struct al_gear gears[AL_TABLES], __u32 window) {
  for (__u32 table = 0; table < AL_TABLES; ++table) al_gear_fill_both(&gears[table], window);
  for (__u32 table = AL_TABLE_PLAIN + 1; table < AL_TABLES; ++table) {
    for (__u32 symbol = 0; symbol < 256; ++symbol) {
      const __u8 code = al_recode(table, (__u8)symbol);
      gears[table].plain[symbol] = gears[AL_TABLE_PLAIN].plain[code];
      gears[table].shifted[symbol] = gears[AL_TABLE_PLAIN].shifted[code];
    }
  }
}

#ifdef __bpf__
/* Row of a symbol in one register, where clang would take two. */
#define AL_ROW(row, gear, symbol) \
  __u64 row = (symbol);           \
  row <<= 3;                      \
  __asm__("%0 += %1" : "+r"(row) : "r"(gear))
#define AL_ROW_PLAIN(row) (*(const __u64*)(row))
#define AL_ROW_SHIFTED(row) (*(const __u64*)((row) + sizeof(__u64[256])))
/* Falls through as a rule: left to itself, clang jumps on to the next symbol, or sets the count before each branch. */
#define AL_LEAVE_BELOW(value, threshold, label) \
  __asm__ goto("if %0 < %1 goto %l2" : : "r"(value), "r"(threshold) : : label)
#define AL_LEAVE_FROM(number, count, label) __asm__ goto("if %0 <= %1 goto %l2" : : "r"(count), "i"(number) : : label)
#define AL_COUNT(consumed, count) __asm__ volatile("%0 = " #count : "=r"(consumed))
#else
#define AL_ROW(row, gear, symbol) const __u64* row = (gear)->plain + (symbol)
#define AL_ROW_PLAIN(row) (*(row))
#define AL_ROW_SHIFTED(row) (*(row) << shift) /* a CPU takes fewer steps so than by another load */
#define AL_LEAVE_BELOW(value, threshold, label) \
  if ((value) < (threshold)) goto label
#define AL_LEAVE_FROM(number, count, label) \
  if ((count) <= (number)) goto label
#define AL_COUNT(consumed, count) consumed = (count)
#endif

/* Two symbols, the first at the constant place `at`; the exits' labels bear the count of symbols consumed. */
#define AL_PAIR(at, after_one, after_two)                                          \
  {                                                                                \
    AL_ROW(one, gear, symbols[at]);                                                \
    AL_ROW(two, gear, symbols[(at) + 1]);                                          \
    __u64 both = AL_ROW_SHIFTED(one) + AL_ROW_PLAIN(two);                          \
    __asm__ volatile("" : "+r"(both)); /* or clang folds it back into one chain */ \
    middle = (h << shift) + AL_ROW_PLAIN(one);                                     \
    AL_LEAVE_BELOW(middle, threshold, after_one);                                  \
    h = (h << (2 * shift)) + both;                                                 \
    AL_LEAVE_BELOW(h, threshold, after_two);                                       \
  }
#define AL_SINGLE(at, after, before)          \
  {                                           \
    AL_LEAVE_FROM(at, count, before);         \
    AL_ROW(row, gear, symbols[at]);           \
    h = al_roll(h, AL_ROW_PLAIN(row), shift); \
    AL_LEAVE_BELOW(h, threshold, after);      \
  }
#define AL_EXIT_MIDDLE(count)                \
  after_##count : AL_COUNT(consumed, count); \
  *hash = middle;                            \
  return consumed;
#define AL_EXIT(count)                       \
  after_##count : AL_COUNT(consumed, count); \
  *hash = h;                                 \
  return consumed;

/* Rolls over AL_BLOCK symbols, to the first hash below `threshold`. Returns how many were consumed, that one included;
 * *hash is the hash after the last of them. */
AL_INLINE __u32 al_block_roll(const __u8* symbols, const struct al_gear* gear, __u64* hash, __u64 threshold,
                              __u32 shift) {
  __u64 h = *hash;
  __u64 middle;
  __u32 consumed;
  AL_PAIR(0, after_1, after_2)
  AL_PAIR(2, after_3, after_4)
  AL_PAIR(4, after_5, after_6)
  AL_PAIR(6, after_7, after_8)
  AL_PAIR(8, after_9, after_10)
  AL_PAIR(10, after_11, after_12)
  AL_PAIR(12, after_13, after_14)
  AL_PAIR(14, after_15, after_16)
  AL_PAIR(16, after_17, after_18)
  AL_PAIR(18, after_19, after_20)
  AL_PAIR(20, after_21, after_22)
  AL_PAIR(22, after_23, after_24)
  AL_PAIR(24, after_25, after_26)
  AL_PAIR(26, after_27, after_28)
  AL_PAIR(28, after_29, after_30)
  AL_PAIR(30, after_31, after_32)
  *hash = h;
  return AL_BLOCK;
  /* Left as it stands: the formatter indents such a list anew each time. */
  /* clang-format off */
  AL_EXIT_MIDDLE(1) AL_EXIT(2) AL_EXIT_MIDDLE(3) AL_EXIT(4) AL_EXIT_MIDDLE(5) AL_EXIT(6) AL_EXIT_MIDDLE(7) AL_EXIT(8)
  AL_EXIT_MIDDLE(9) AL_EXIT(10) AL_EXIT_MIDDLE(11) AL_EXIT(12) AL_EXIT_MIDDLE(13) AL_EXIT(14) AL_EXIT_MIDDLE(15) AL_EXIT(16)
  AL_EXIT_MIDDLE(17) AL_EXIT(18) AL_EXIT_MIDDLE(19) AL_EXIT(20) AL_EXIT_MIDDLE(21) AL_EXIT(22) AL_EXIT_MIDDLE(23) AL_EXIT(24)
  AL_EXIT_MIDDLE(25) AL_EXIT(26) AL_EXIT_MIDDLE(27) AL_EXIT(28) AL_EXIT_MIDDLE(29) AL_EXIT(30) AL_EXIT_MIDDLE(31) AL_EXIT(32)
  /* clang-format on */
}

/* The same over `count` symbols, fewer than AL_BLOCK. */
AL_INLINE __u32 al_block_roll_some(const __u8* symbols, __u32 count, const struct al_gear* gear, __u64* hash,
                                   __u64 threshold, __u32 shift) {
  __u64 h = *hash;
  __u32 consumed;
  AL_SINGLE(0, after_1, after_0)
  AL_SINGLE(1, after_2, after_1)
  AL_SINGLE(2, after_3, after_2)
  AL_SINGLE(3, after_4, after_3)
  AL_SINGLE(4, after_5, after_4)
  AL_SINGLE(5, after_6, after_5)
  AL_SINGLE(6, after_7, after_6)
  AL_SINGLE(7, after_8, after_7)
  AL_SINGLE(8, after_9, after_8)
  AL_SINGLE(9, after_10, after_9)
  AL_SINGLE(10, after_11, after_10)
  AL_SINGLE(11, after_12, after_11)
  AL_SINGLE(12, after_13, after_12)
  AL_SINGLE(13, after_14, after_13)
  AL_SINGLE(14, after_15, after_14)
  AL_SINGLE(15, after_16, after_15)
  AL_SINGLE(16, after_17, after_16)
  AL_SINGLE(17, after_18, after_17)
  AL_SINGLE(18, after_19, after_18)
  AL_SINGLE(19, after_20, after_19)
  AL_SINGLE(20, after_21, after_20)
  AL_SINGLE(21, after_22, after_21)
  AL_SINGLE(22, after_23, after_22)
  AL_SINGLE(23, after_24, after_23)
  AL_SINGLE(24, after_25, after_24)
  AL_SINGLE(25, after_26, after_25)
  AL_SINGLE(26, after_27, after_26)
  AL_SINGLE(27, after_28, after_27)
  AL_SINGLE(28, after_29, after_28)
  AL_SINGLE(29, after_30, after_29)
  AL_SINGLE(30, after_31, after_30)
  AL_COUNT(consumed, 31);
  *hash = h;
  return consumed;
  AL_EXIT(0)
  AL_EXIT(1)
  AL_EXIT(2)
  AL_EXIT(3)
  AL_EXIT(4)
  AL_EXIT(5)
  AL_EXIT(6)
  AL_EXIT(7)
  AL_EXIT(8)
  AL_EXIT(9)
  AL_EXIT(10)
  AL_EXIT(11)
  AL_EXIT(12)
  AL_EXIT(13)
  AL_EXIT(14)
  AL_EXIT(15)
  AL_EXIT(16)
  AL_EXIT(17)
  AL_EXIT(18)
  AL_EXIT(19)
  AL_EXIT(20)
  AL_EXIT(21)
  AL_EXIT(22)
  AL_EXIT(23)
  AL_EXIT(24)
  AL_EXIT(25)
  AL_EXIT(26)
  AL_EXIT(27)
  AL_EXIT(28)
  AL_EXIT(29)
  AL_EXIT(30)
  AL_EXIT(31)
}
