/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 2: which packets are scanned: ports, sizes, the CPU's scan budget. */
#pragma once

#include "maps.h"

#define AL_BURST_NS 100000000ULL /* what an idle CPU may save up */
#define AL_HIT_COST 128          /* bytes that a selected window costs of the budget: hashing and emitting it */

AL_INLINE __u32 al_port_format(const struct al_port_table* table, const struct al_flow_key* flow) {
  const __u32 source = table->format[flow->source_port];
  const __u32 destination = table->format[flow->destination_port];
  return source > destination ? source : destination;
}

/* Codec of the packet at hand, and the domains that it is scanned in. */
AL_INLINE void al_choose_lanes(struct al_scratch* s, struct al_port_table* table, __u32 codec) {
  struct al_scan* scan = &s->scan;
  if (scan->rtp.header != 0) {
    const __u32 declared = table->codec[scan->rtp.payload_type & 127];
    /* A small packet of a type that nobody declared is an event or comfort noise. */
    const int small = scan->payload_length < settings.minimum_payload && codec != AL_CODEC_COMPRESSED;
    if (declared != AL_CODEC_UNKNOWN || small) codec = declared;
  } else if (scan->treatment.framing == AL_FRAMING_RTP) {
    codec = AL_CODEC_UNKNOWN; /* RTCP, STUN, and what else comes to such a port */
  }
  scan->codec = codec;
  scan->lanes = 1 << AL_LANE_VERBATIM;
  if (codec == AL_CODEC_PCMA && table->a_law == AL_A_LAW_WAITING) table->a_law = AL_A_LAW_ON;
  if (!al_codec_is_g711(codec) && !al_codec_is_linear(codec)) return;
  scan->lanes |= 1 << AL_LANE_MU_LAW;
  if (table->a_law == AL_A_LAW_ON) scan->lanes |= 1 << AL_LANE_A_LAW;
}

AL_INLINE __u64 al_packet_time(struct al_scratch* s) {
  if (s->scan.time_ns == 0) s->scan.time_ns = bpf_ktime_get_ns();
  return s->scan.time_ns;
}

/* The time of the kernel's last tick, 1 to 10 ms ago at most: for what needs no stamp. Asking the clock costs as much
 * as scanning eighty bytes. */
AL_INLINE __u64 al_tick_time(struct al_scratch* s) {
  const __u64 tick = bpf_jiffies64();
  if (s->tick != tick) {
    s->tick = tick;
    s->tick_ns = bpf_ktime_get_ns();
  }
  return s->tick_ns;
}

/* A token bucket. The clock is asked only when the bucket is empty; a packet may overdraw it, the next ones pay. */
AL_INLINE int al_within_budget(struct al_scratch* s, __u32 length) {
  if (settings.budget_bytes_per_second == 0) return 1;
  if (s->tokens < (__s64)length) {
    const __u64 now = al_tick_time(s);
    __u64 elapsed = now - s->refilled_ns;
    if (elapsed > AL_BURST_NS) elapsed = AL_BURST_NS;
    const __s64 most = (__s64)(settings.budget_bytes_per_second / (1000000000ULL / AL_BURST_NS));
    __s64 tokens = s->tokens + (__s64)(elapsed * settings.budget_bytes_per_second / 1000000000ULL);
    if (tokens > most) tokens = most;
    s->tokens = tokens;
    s->refilled_ns = now;
    if (tokens <= 0) return 0;
  }
  s->tokens -= length;
  return 1;
}
