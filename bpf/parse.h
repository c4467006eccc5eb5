/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 1: the packet's headers into scratch memory, from there its flow and payload. */
#pragma once

#include "maps.h"

/* One helper call: a packet that fits is there as a whole, its payload included. */
AL_INLINE enum al_verdict al_parse_packet(struct __sk_buff* skb, struct al_scratch* s, int ethernet, __u64 flags) {
  __u32 available = skb->len;
  s->packet.length = available;
  if (available > AL_HEADER_BYTES) available = AL_HEADER_BYTES;
  if (available == 0 || bpf_skb_load_bytes(skb, 0, s->bytes, available) < 0) return AL_MALFORMED;
  s->packet.available = available;
  return al_parse(&s->packet, s->bytes, ethernet, (flags & AL_INTERFACE_UPLINK) != 0, &settings);
}

/* Ports declared rtp: where the audio lies in the payload. What is not RTP is scanned as it is. */
AL_INLINE void al_parse_audio(struct __sk_buff* skb, struct al_scratch* s) {
  struct al_scan* scan = &s->scan;
  const __u32 offset = scan->payload_offset;
  scan->rtp.header = 0;
  if (scan->format != AL_FORMAT_RTP || s->packet.flow.protocol != 17 || offset > AL_HEADER_BYTES) return;
  __u32 room = s->packet.available - offset;
  if (room > scan->payload_length) room = scan->payload_length;
  al_parse_rtp(&scan->rtp, s->bytes + offset, room);
  if (scan->rtp.header == 0 || !scan->rtp.padded) return;
  __u8 padding = 0;
  if (bpf_skb_load_bytes(skb, s->packet.end - 1, &padding, 1) < 0) return;
  if (scan->rtp.header + (__u32)padding > scan->payload_length)
    scan->rtp.header = 0;
  else
    s->packet.end -= padding;
}
