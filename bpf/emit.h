/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 4: a selected window becomes an event, or is counted. */
#pragma once

#include "treat.h"

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
  if (at > AL_BYTES_AT + AL_HEADER_BYTES) return;
  al_describe(&s->event, &s->packet, &s->scan.rtp, s->bytes + at, s->scan.payload_length);
}

/* The symbols of the window that ends before bytes[position], into s->window. */
AL_INLINE void al_window_verbatim(struct al_scratch* s, __u32 position) {
  const __u32 window = settings.window;
  const __u8* from = s->bytes + position - window;
  AL_UNROLL
  for (__u32 at = 0; at < AL_WINDOW_MAX; at += 8) {
    if (at >= window) break;
    al_store64(s->window + at, al_load64(from + at) ^ al_load64(from + at - AL_LAG));
  }
  AL_FORGET();
}

AL_INLINE void al_window_g711(struct al_scratch* s, __u32 position) {
  const __u32 window = settings.window;
  const __u8* from = s->bytes + position - window;
  const __u8* recode = s->recode[s->scan.table & (AL_TABLES - 1)];
  AL_NO_UNROLL
  for (__u32 at = 0; at < window; ++at) s->window[at] = recode[from[at]];
}

AL_INLINE void al_window_linear(struct al_scratch* s, __u32 position) {
  const __u32 zero = 0;
  const struct al_encoders* tables = bpf_map_lookup_elem(&encoders, &zero);
  if (!tables) return;
  const __u8* code = tables->code[(s->scan.lane + 1) & 1];
  const __u32 window = settings.window;
  const __u8* from = s->bytes + position - 2 * window;
  if (s->scan.codec == AL_CODEC_PCM16BE) {
    AL_NO_UNROLL
    for (__u32 at = 0; at < window; ++at) s->window[at] = code[al_be16(from + 2 * at)];
  } else {
    AL_NO_UNROLL
    for (__u32 at = 0; at < window; ++at) s->window[at] = code[al_load16(from + 2 * at)];
  }
}

/* Makes the window's symbols, and what the event says of them. The enum al_refusal that it is refused for, or
 * AL_REFUSALS. */
AL_INLINE __u32 al_make_window(struct al_scratch* s, __u32 position) {
  const __u32 window = settings.window;
  if (s->scan.lane == AL_LANE_VERBATIM) {
    al_window_verbatim(s, position);
    s->event.peak = 0;
    s->event.zero_crossings = 0;
    return al_refuse_verbatim(s->window, window);
  }
  const __u32 domain = AL_DOMAIN_VERBATIM + s->scan.lane;
  if (s->scan.wide)
    al_window_linear(s, position);
  else
    al_window_g711(s, position);
  const __u32 peak = al_window_peak(s->window, window, domain);
  s->event.peak = (__u16)peak;
  s->event.zero_crossings = (__u8)al_window_crossings(s->window, window);
  return al_refuse_companded(s->window, window, peak, settings.silence_threshold);
}

/* The window that ends before `position`. */
AL_INLINE void al_take(struct al_scratch* s, struct al_interface* interface) {
  struct al_scan* scan = &s->scan;
  const __u64 hash = scan->hash;
  const __u32 position = scan->position;
  const __u32 lane = scan->lane & AL_LANES;
  if (position < AL_BYTES_AT || position > AL_BYTES_AT + AL_CHUNK) return;
  if (!scan->asked) al_ask_selectivity(s, interface);
  if (hash >= scan->threshold) return;
  scan->lane_state[lane].selected++;
  s->tokens -= AL_HIT_COST;
  al_describe_once(s);
  const __u32 refusal = al_make_window(s, position);
  if (refusal < AL_REFUSALS) {
    interface->counters.refused[refusal]++;
    return;
  }
  const __u32 domain = AL_DOMAIN_VERBATIM + lane;
  const __u32 offset = scan->base + position - 1;
  s->event.time_ns = al_packet_time(s);
  s->event.signature = al_signature(settings.algorithm, s->window, settings.window, hash, domain);
  s->event.domain = (__u8)domain;
  s->event.offset = lane == AL_LANE_VERBATIM ? offset : (offset - scan->rtp.header) >> scan->wide;
  if (s->packet.flow.protocol == 6) s->event.stream_id = s->packet.sequence + offset;
  s->event.leading_zeros = (__u8)al_leading_zeros(hash);
  al_output(s, interface);
}

/* XXH64 of bytes[begin] on. A global function, since the verifier checks those once. */
__attribute__((noinline)) int al_hash_payload(void) {
  const __u32 zero = 0;
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s) return 0;
  const __u32 begin = s->scan.begin;
  const __u32 length = s->scan.end - begin;
  if (begin > AL_BYTES_AT + AL_HEADER_BYTES || length > AL_PAYLOAD_MAX) return 0;
  s->scan.hash = al_xxh64_any(s->bytes + begin, length, AL_DOMAIN_PAYLOAD);
  return 1;
}

/* Compressed audio: a signature of the whole RTP payload, which lies in the chunk at hand and selects itself. */
AL_INLINE void al_take_payload(struct al_scratch* s, struct al_interface* interface, struct al_flow_slot* slot) {
  struct al_scan* scan = &s->scan;
  const __u32 length = scan->end - scan->begin;
  if (length < AL_PAYLOAD_MIN || length > AL_PAYLOAD_MAX || scan->remaining != 0) {
    interface->counters.refused[length < AL_PAYLOAD_MIN ? AL_REFUSED_SHORT_PAYLOAD : AL_REFUSED_LONG_PAYLOAD]++;
    return;
  }
  const __u64 rolling = scan->hash;
  if (!al_hash_payload()) return;
  const __u64 hash = scan->hash;
  scan->hash = rolling;
  const __u64 now = al_tick_time(s);
  bpf_spin_lock(&slot->lock);
  const __u32 selectivity = al_rate_update(&slot->flow.payload_rate, now, 0) & 63;
  const int selected = al_is_selected(hash, selectivity);
  slot->flow.payload_rate.selected += selected;
  bpf_spin_unlock(&slot->lock);
  if (!selected) return;
  al_describe_once(s);
  s->event.time_ns = al_packet_time(s);
  s->event.signature = hash;
  s->event.domain = AL_DOMAIN_PAYLOAD;
  s->event.offset = scan->rtp.header + length - 1;
  s->event.leading_zeros = (__u8)al_leading_zeros(hash);
  s->event.peak = 0;
  s->event.zero_crossings = 0;
  al_output(s, interface);
}
