/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Companding (ITU-T G.711; encoder family of ITU-T G.191): the symbols of the mu-law and A-law domains. Linear values
 * are 16 bits wide. */
#pragma once

#include "audio_latency/wire/types.h"

#define AL_MU_LAW_BIAS 132
#define AL_MU_LAW_CLIP 32635

/* How far the highest set bit of `value` lies above bit `lowest`: 0 to 7. */
AL_INLINE int al_g711_segment(int value, int lowest) {
  int segment = 0;
  for (value >>= lowest + 1; value != 0 && segment < 7; value >>= 1) ++segment;
  return segment;
}

AL_INLINE __u8 al_mu_law_encode(__s16 linear) {
  const int negative = linear < 0;
  int magnitude = negative ? -(int)linear : linear;
  if (magnitude > AL_MU_LAW_CLIP) magnitude = AL_MU_LAW_CLIP;
  magnitude += AL_MU_LAW_BIAS;
  const int segment = al_g711_segment(magnitude, 7);
  const int mantissa = (magnitude >> (segment + 3)) & 15;
  return (__u8) ~((negative ? 0x80 : 0) | (segment << 4) | mantissa);
}

AL_INLINE __s16 al_mu_law_decode(__u8 code) {
  const int inverted = (__u8)~code;
  const int magnitude = ((((inverted & 15) << 3) + AL_MU_LAW_BIAS) << ((inverted >> 4) & 7)) - AL_MU_LAW_BIAS;
  return (__s16)((inverted & 0x80) != 0 ? -magnitude : magnitude);
}

AL_INLINE __u8 al_a_law_encode(__s16 linear) {
  const int negative = linear < 0;
  const int magnitude = (negative ? ~(int)linear : linear) >> 4; /* 11 bits: ones' complement for negatives */
  const int shift = al_g711_segment(magnitude, 4);
  const int code = shift == 0 ? magnitude : ((shift + 1) << 4) | ((magnitude >> shift) & 15);
  return (__u8)((code | (negative ? 0 : 0x80)) ^ 0x55);
}

AL_INLINE __s16 al_a_law_decode(__u8 code) {
  const int even = code ^ 0x55;
  const int segment = (even >> 4) & 7;
  int magnitude = ((even & 15) << 4) + 8;
  if (segment > 0) magnitude = (magnitude + 0x100) << (segment - 1);
  return (__s16)((even & 0x80) != 0 ? magnitude : -magnitude);
}
