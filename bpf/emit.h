/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 4: a selected window becomes an event, or is counted. */
#pragma once

#include "flow.h"

/* The reader is woken when a CPU has written enough, and has a timer: a wake-up an event costs ten times as much as the
 * event. */
AL_INLINE void al_output(struct al_scratch* s, struct al_interface* interface) {
  interface->counters.emitted++;
  __u64* record = bpf_ringbuf_reserve(&events, sizeof s->event, 0);
  if (!record) {
    interface->counters.lost[AL_LOST_RING_FULL]++;
    return;
  }
  const __u64* event = (const __u64*)&s->event;
  AL_UNROLL
  for (__u32 at = 0; at < sizeof s->event / 8; ++at) record[at] = event[at];
  s->unannounced += sizeof s->event;
  const int enough = s->unannounced >= settings.wakeup_bytes;
  if (enough) s->unannounced = 0;
  bpf_ringbuf_submit(record, enough ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

AL_INLINE void al_describe_once(struct al_scratch* s) {
  if (s->scan.event_ready) return;
  s->scan.event_ready = 1;
  const __u32 at = s->scan.payload_at;
  if (at > AL_HEADER_BYTES) return;
  al_describe(&s->event, &s->packet, &s->scan.rtp, s->bytes + at, s->scan.payload_length);
}

/* The window that ends before `position`. */
AL_INLINE void al_take(struct al_scratch* s, struct al_interface* interface) {
  struct al_scan* scan = &s->scan;
  const __u32 window = settings.window;
  const __u64 hash = scan->hash;
  const __u32 position = scan->position;
  if (position > AL_CHUNK_AT + AL_CHUNK) return;
  if (!scan->asked)
    al_ask_selectivity(s, interface);
  else
    scan->selected++;
  if (hash >= scan->threshold) return;
  s->tokens -= AL_HIT_COST;
  const __u8* symbols = s->symbols + (AL_WINDOW_MAX - window) + position;
  const __u32 refusal = al_refuse_verbatim(symbols, window);
  if (refusal < AL_REFUSALS) {
    interface->counters.refused[refusal]++;
    return;
  }
  al_describe_once(s);
  const __u32 offset = scan->base + position - 1;
  s->event.time_ns = al_packet_time(s);
  s->event.signature = al_signature(settings.algorithm, symbols, window, hash, AL_DOMAIN_VERBATIM);
  s->event.offset = offset;
  if (s->packet.flow.protocol == 6) s->event.stream_id = s->packet.sequence + offset;
  s->event.leading_zeros = (__u8)al_leading_zeros(hash);
  al_output(s, interface);
}
