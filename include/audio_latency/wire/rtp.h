/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* RTP header (RFC 3550, 5.1). */
#pragma once

#include "audio_latency/wire/types.h"

#define AL_RTP_FIXED 12
#define AL_RTP_HEADER_MAX 448 /* CSRCs and extension: a longer header is taken for something else than RTP */

struct al_rtp {
  __u32 ssrc;
  __u32 timestamp;
  __u16 sequence;
  __u16 header; /* bytes before the audio; 0: not RTP */
  __u8 padded;  /* 1: the last byte tells how many bytes of padding end the payload */
  __u8 payload_type;
};

/* `bytes`: the UDP payload, of which `available` bytes may be read at least up to the end of the fixed header, the
 * CSRCs and the first 4 bytes of the extension. RTCP on the same port (RFC 5761, 4) is not RTP. */
AL_INLINE void al_parse_rtp(struct al_rtp* rtp, const __u8* bytes, __u32 available) {
  rtp->header = 0;
  if (available < AL_RTP_FIXED || bytes[0] >> 6 != 2) return;
  if (bytes[1] >= 192 && bytes[1] <= 223) return;
  __u32 header = AL_RTP_FIXED + (bytes[0] & 15U) * 4;
  if ((bytes[0] & 0x10) != 0) {
    if (header + 4 > available) return;
    header += 4 + al_be16(bytes + header + 2) * 4U;
  }
  if (header > available || header > AL_RTP_HEADER_MAX) return;
  rtp->ssrc = al_be32(bytes + 8);
  rtp->timestamp = al_be32(bytes + 4);
  rtp->sequence = al_be16(bytes + 2);
  rtp->padded = (bytes[0] >> 5) & 1;
  rtp->payload_type = bytes[1] & 0x7f;
  rtp->header = (__u16)header;
}

/* Is a UDP payload below MIN_AUDIO_PACKET_SIZE worth a look all the same? Compressed audio comes in such packets. */
AL_INLINE int al_may_be_rtp(const __u8* bytes, __u32 payload_length) {
  return payload_length >= AL_RTP_FIXED + 16 && bytes[0] >> 6 == 2;
}
