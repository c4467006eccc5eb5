/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an event tells of its packet: common to all windows of the packet. */
#pragma once

#include "audio_latency/wire/event.h"
#include "audio_latency/wire/parse.h"
#include "audio_latency/wire/rtp.h"

#define AL_PAYLOAD_HASHED 64 /* bytes at the front, where counters are; the length tells packets apart, too */

/* The 32-bit hash of AL_IDENTITY_UDP. AL_PAYLOAD_HASHED bytes must be readable, whatever `length` is. */
AL_INLINE __u32 al_payload_hash(const __u8* payload, __u32 length) {
  __u64 even = length;
  __u64 odd = 0;
  AL_UNROLL
  for (__u32 at = 0; at < AL_PAYLOAD_HASHED; at += 8) {
    const __u32 left = length > at ? length - at : 0;
    const __u64 mask = left >= 8 ? ~0ULL : (1ULL << (8 * left)) - 1;
    const __u64 word = al_load64(payload + at) & mask;
    if ((at & 8) == 0)
      even = (even ^ word) * AL_XXH_PRIME_1;
    else
      odd = (odd ^ word) * AL_XXH_PRIME_2;
  }
  return (__u32)(al_fmix64(even ^ (odd << 32 | odd >> 32)) >> 32);
}

/* Everything but time, signature, offset and leading zeros; and, for TCP, stream_id, which goes with the offset.
 * `rtp`: header 0 where the payload is not known as RTP. `payload`: see al_payload_hash(). */
AL_INLINE void al_describe(struct al_event* event, const struct al_packet* packet, const struct al_rtp* rtp,
                           const __u8* payload, __u32 payload_length) {
  al_store64(event->source_address, al_load64(packet->flow.source));
  al_store64(event->source_address + 8, al_load64(packet->flow.source + 8));
  al_store64(event->destination_address, al_load64(packet->flow.destination));
  al_store64(event->destination_address + 8, al_load64(packet->flow.destination + 8));
  event->source_port = packet->flow.source_port;
  event->destination_port = packet->flow.destination_port;
  event->interface_index = packet->flow.interface_index;
  event->payload_length = payload_length;
  event->flow_label = packet->flow_label;
  event->ip_id = packet->ip_id;
  event->ttl = packet->ttl;
  event->protocol = packet->flow.protocol;
  event->domain = AL_DOMAIN_VERBATIM;
  event->direction = packet->flow.direction;
  event->peak = 0;
  event->zero_crossings = 0;
  event->tunnelled = packet->flow.tunnelled;
  event->reserved = 0;
  event->stream_id = 0;
  event->rtp_timestamp = 0;
  event->rtp_sequence = 0;
  if (packet->flow.protocol == 6) {
    event->identity = AL_IDENTITY_TCP;
  } else if (rtp->header != 0) {
    event->identity = AL_IDENTITY_RTP;
    event->stream_id = rtp->ssrc;
    event->rtp_timestamp = rtp->timestamp;
    event->rtp_sequence = rtp->sequence;
  } else {
    event->identity = AL_IDENTITY_UDP;
    event->stream_id = al_payload_hash(payload, payload_length);
  }
}
