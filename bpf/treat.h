/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon has decided about a flow, and the payload that it decides on, or decodes. */
#pragma once

#include "flow.h"

/* Hands the next record of the payload to the daemon: those of TCP in full, of a datagram the first. 0: that was the
 * last. A global function, since the verifier checks those once. */
__attribute__((noinline)) int al_hand_over(struct __sk_buff* skb) {
  const __u32 zero = 0;
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s || !skb) return 0;
  const int tcp = s->packet.flow.protocol == 6;
  const __u32 payload_length = s->scan.payload_length;
  const __u32 offset = s->handed_bytes;
  const __u32 left = s->hand_over - offset;
  const __u32 length = left < AL_PAYLOAD_CHUNK ? left : AL_PAYLOAD_CHUNK;
  if (length == 0 || length > AL_PAYLOAD_CHUNK) return 0;
  s->handed++;
  if (bpf_skb_load_bytes(skb, s->scan.payload_offset + offset, s->record_bytes, length) < 0) {
    s->handed_lost++;
    return 0;
  }
  if (offset == 0) al_describe(&s->record.packet, &s->packet, &s->scan.rtp, s->record_bytes, payload_length);
  s->record.packet.time_ns = al_packet_time(s);
  s->record.packet.offset = offset;
  if (tcp) s->record.packet.stream_id = s->packet.sequence + offset;
  const int more = tcp && left > length;
  s->record.bytes = length;
  s->record.length = more ? length : payload_length - offset;
  s->handed_bytes = offset + length;
  s->payload_unannounced += length;
  const int enough = s->payload_unannounced >= settings.payload_wakeup_bytes;
  if (enough) s->payload_unannounced = 0;
  const __u64 size = sizeof s->record + length;
  if (bpf_ringbuf_output(&payloads, &s->record, size, enough ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP) < 0)
    s->handed_lost++;
  return more;
}

AL_INLINE void al_hand_over_bytes(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface,
                                  __u32 bytes) {
  s->hand_over = bytes;
  s->handed = 0;
  s->handed_lost = 0;
  s->handed_bytes = 0;
  for (int record = 0; record < AL_PAYLOAD_RECORDS; ++record)
    if (!al_hand_over(skb)) break;
  interface->counters.payloads += s->handed;
  interface->counters.lost[AL_LOST_PAYLOAD_RING_FULL] += s->handed_lost;
}

/* A flow that has begun to be shown is shown to the end of its sample, if on credit: bits of many flows would tell
 * nothing of any. */
AL_INLINE int al_may_sample(struct al_scratch* s, __u32 bytes, int begun, __u64 now) {
  if (s->sample_tokens < (__s64)bytes) {
    __u64 elapsed = now - s->sample_refilled_ns;
    if (elapsed > AL_BURST_NS) elapsed = AL_BURST_NS;
    s->sample_refilled_ns = now;
    s->sample_tokens += (__s64)(elapsed * AL_SAMPLE_BYTES_PER_SECOND / 1000000000ULL);
    const __s64 most = (__s64)(AL_SAMPLE_BYTES_PER_SECOND / (1000000000ULL / AL_BURST_NS));
    if (s->sample_tokens > most) s->sample_tokens = most;
    if (s->sample_tokens <= 0 && !begun) return 0;
  }
  s->sample_tokens -= bytes;
  return 1;
}

/* The first bytes of what is not known. A flow that has to wait is shown later. */
AL_INLINE void al_show(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface,
                       struct al_flow* flow, __u64 now) {
  const __u32 length = s->scan.payload_length;
  const __u32 most = length < AL_SAMPLE_BYTES ? length : AL_SAMPLE_BYTES;
  if (al_may_sample(s, most, flow->sample_left != AL_SAMPLE_BYTES, now))
    al_hand_over_bytes(skb, s, interface, al_take_sample(flow, length));
  else
    interface->counters.lost[AL_LOST_SAMPLE_BUDGET]++;
}

/* What the daemon wants of a managed flow (al_is_managed): AL_SCANNED: the packet is to be scanned by scan->treatment.
 * A global function, since the verifier checks those once. */
__attribute__((noinline)) int al_manage(struct __sk_buff* skb) {
  const __u32 zero = 0;
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s || !skb) return AL_MALFORMED;
  struct al_interface* interface = al_find_interface(s->packet.flow.interface_index, s->packet.flow.direction);
  if (!interface) return AL_MALFORMED;
  struct al_scan* scan = &s->scan;
  const __u32 length = scan->payload_length;
  const __u32 offset = scan->payload_offset;
  int wanted = length >= settings.minimum_payload || scan->treatment.handling == AL_DECODE;
  if (!wanted && s->packet.flow.protocol == 17 && offset < AL_HEADER_BYTES)
    wanted = al_may_be_rtp(AL_PACKET(s) + offset, length);
  if (length == 0 && !s->packet.syn) return AL_TOO_SMALL;
  struct al_flow_slot* slot = al_find_flow(s, interface, length != 0 && wanted);
  if (!slot && (length == 0 || !wanted)) return AL_TOO_SMALL;
  const __u64 now = al_tick_time(s);
  if (slot) {
    al_reconsider(&slot->flow, scan->format, s->packet.syn, now);
    slot->flow.last_seen_ns = now;
    scan->treatment = slot->flow.treatment;
  }
  if (length == 0) return AL_TOO_SMALL;
  if (scan->treatment.handling == AL_IGNORE) return AL_NOT_AUDIO;
  if (scan->treatment.handling == AL_DECODE) {
    if (!al_within_budget(s, length)) return AL_BUDGET;
    al_hand_over_bytes(skb, s, interface, length);
    return AL_DECODED;
  }
  al_parse_audio(skb, s);
  if (slot && scan->rtp.header != 0) al_reconsider_rtp(&slot->flow, &scan->rtp, now);
  if (slot && slot->flow.sample_left != 0) al_show(skb, s, interface, &slot->flow, now);
  return AL_SCANNED;
}
