/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 1: the packet's headers into scratch memory, from there its flow and payload. */
#pragma once

#include "maps.h"

#define AL_COPY 64           /* bytes copied at a time */
#define AL_HEADERS_FIRST 128 /* bytes that hold the headers of nearly every packet */

AL_INLINE void al_copy_block(__u8* to, const __u8* from) {
  AL_UNROLL
  for (__u32 at = 0; at < AL_COPY; at += 8) al_store64(to + at, al_load64(from + at));
}

/* Where a packet's first byte lies in scratch memory. */
#define AL_PACKET(s) ((s)->bytes + AL_BYTES_AT)

/* Loads the packet's first bytes; the linear part is copied without a helper call, which costs more than the copy. */
AL_INLINE int al_load_headers(struct __sk_buff* skb, struct al_scratch* s, int more) {
  const __u8* data = (const __u8*)(long)skb->data;
  const __u8* data_end = (const __u8*)(long)skb->data_end;
  if (!more && data + AL_HEADERS_FIRST <= data_end) {
    al_copy_block(AL_PACKET(s), data);
    al_copy_block(AL_PACKET(s) + AL_COPY, data + AL_COPY);
    s->packet.available = AL_HEADERS_FIRST;
    return 1;
  }
  __u32 length = skb->len;
  if (length > AL_HEADER_BYTES) length = AL_HEADER_BYTES;
  s->packet.available = length;
  if (length >= AL_COPY && length <= AL_HEADERS_FIRST) {
    const __u8* tail = data + (length - AL_COPY);
    if (data + AL_COPY <= data_end && tail + AL_COPY <= data_end) {
      al_copy_block(AL_PACKET(s), data);
      al_copy_block(AL_PACKET(s) + (length - AL_COPY), tail);
      return 1;
    }
  }
  return length != 0 && bpf_skb_load_bytes(skb, 0, AL_PACKET(s), length) == 0;
}

/* Is it forwarded? Then a tunnel's header in it is somebody else's, who may have made it up; the kernel's own tunnels
 * forget where a packet came in (skb_scrub_packet), over IPv4. */
AL_INLINE int al_is_forwarded(const struct __sk_buff* skb, __u32 direction) {
  return direction == AL_EGRESS && skb->ingress_ifindex != 0 && skb->protocol == __builtin_bswap16(0x0800);
}

AL_INLINE enum al_verdict al_parse_packet(struct __sk_buff* skb, struct al_scratch* s, int ethernet, __u64 flags) {
  enum al_verdict verdict = AL_MALFORMED;
  const int uplink = (flags & AL_INTERFACE_UPLINK) != 0 && !al_is_forwarded(skb, s->packet.flow.direction);
  s->packet.length = skb->len;
  for (int more = 0; more < 2; ++more) {
    if (!al_load_headers(skb, s, more)) return AL_MALFORMED;
    verdict = al_parse(&s->packet, AL_PACKET(s), ethernet, uplink, &settings);
    if (verdict != AL_MALFORMED || s->packet.available != AL_HEADERS_FIRST) break;
  }
  return verdict;
}

/* The rest of a packet of at most AL_HEADER_BYTES. */
AL_INLINE int al_load_rest(struct __sk_buff* skb, struct al_scratch* s) {
  const __u32 length = s->packet.length;
  const __u32 loaded = s->packet.available;
  if (loaded >= length) return 1;
  if (length > AL_HEADER_BYTES || length <= AL_HEADERS_FIRST || loaded != AL_HEADERS_FIRST) return 0;
  const __u8* data = (const __u8*)(long)skb->data;
  const __u8* data_end = (const __u8*)(long)skb->data_end;
  const __u8* tail = data + (length - AL_COPY);
  if (tail + AL_COPY > data_end)
    return bpf_skb_load_bytes(skb, AL_HEADERS_FIRST, AL_PACKET(s) + AL_HEADERS_FIRST, length - AL_HEADERS_FIRST) == 0;
  AL_UNROLL
  for (__u32 at = AL_HEADERS_FIRST; at < AL_HEADER_BYTES; at += AL_COPY) {
    if (at + AL_COPY >= length || data + at + AL_COPY > data_end) break;
    al_copy_block(AL_PACKET(s) + at, data + at);
  }
  al_copy_block(AL_PACKET(s) + (length - AL_COPY), tail);
  return 1;
}

/* Flows of RTP: where the audio lies in the payload. What is not RTP is scanned as it is. */
AL_INLINE void al_parse_audio(struct __sk_buff* skb, struct al_scratch* s) {
  struct al_scan* scan = &s->scan;
  const __u32 offset = scan->payload_offset;
  scan->rtp.header = 0;
  if (scan->treatment.framing != AL_FRAMING_RTP || s->packet.flow.protocol != 17 || offset > AL_HEADER_BYTES) return;
  const int long_header = (AL_PACKET(s)[offset] & 0x1f) != 0; /* CSRCs or an extension */
  if (long_header && s->packet.available == AL_HEADERS_FIRST && !al_load_headers(skb, s, 1)) return;
  __u32 room = s->packet.available - offset;
  if (room > scan->payload_length) room = scan->payload_length;
  al_parse_rtp(&scan->rtp, AL_PACKET(s) + offset, room);
  if (scan->rtp.header == 0 || !scan->rtp.padded) return;
  __u8 padding = 0;
  if (bpf_skb_load_bytes(skb, s->packet.end - 1, &padding, 1) < 0) return;
  if (scan->rtp.header + (__u32)padding > scan->payload_length)
    scan->rtp.header = 0;
  else
    s->packet.end -= padding;
}
