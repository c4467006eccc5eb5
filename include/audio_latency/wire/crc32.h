/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CRC-32 (IEEE 802.3, reflected polynomial 0xEDB88320), four bits a step: the kernel computes it for selected windows
 * only, so a 64-byte table does. */
#pragma once

#include "audio_latency/wire/types.h"

static const __u32 al_crc32_nibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

AL_INLINE __u32 al_crc32(const __u8* data, __u32 length) {
  __u32 crc = 0xffffffffU;
  for (__u32 at = 0; at < length; ++at) {
    crc ^= data[at];
    crc = (crc >> 4) ^ al_crc32_nibble[crc & 15];
    crc = (crc >> 4) ^ al_crc32_nibble[crc & 15];
  }
  return ~crc;
}
