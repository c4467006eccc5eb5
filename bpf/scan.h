/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 3: the payload, chunk by chunk, each chunk once for each domain ("lane"), block by block. A block is left at
 * the first selected position, which lies at a constant place behind the block's start; where that is, and the hash,
 * come back from map memory, so that the verifier takes them for unknown and follows each branch once. */
#pragma once

#include "emit.h"

AL_INLINE __u32 al_at_most(__u32 value, __u32 most) {
  return value < most ? value : most;
}

/* Prepares the scan of the chunk bytes[begin] to bytes[end] for a lane: what the run carries lies in front. */
AL_INLINE void al_begin_lane(struct al_scratch* s, __u32 number) {
  struct al_scan* scan = &s->scan;
  const struct al_lane* lane = &scan->lane_state[number & AL_LANES];
  const __u32 window = settings.window;
  const __u32 symbols = lane->symbols;
  const __u32 end = scan->end;
  scan->lane = number;
  scan->hash = lane->hash;
  if (number == AL_LANE_VERBATIM) {
    const __u32 begin = scan->begin;
    scan->verbatim = ~0ULL;
    scan->wide = 0;
    scan->table = AL_TABLE_PLAIN;
    scan->position = begin + (symbols < AL_LAG ? AL_LAG - symbols : 0);
    scan->selectable = begin + (symbols < AL_LAG + window - 1 ? AL_LAG + window - 1 - symbols : 0);
    scan->stop = end;
    return;
  }
  const __u32 position = lane->position;
  const __u32 wide = al_codec_is_linear(scan->codec);
  const __u32 length = end > position ? end - position : 0;
  scan->verbatim = 0;
  scan->wide = wide;
  scan->table = al_table_of(scan->codec, AL_DOMAIN_VERBATIM + number);
  scan->position = position;
  scan->selectable = position + (symbols < window ? ((window - symbols) << wide) - 1 : 0);
  scan->stop = position + (length & ~wide);
}

AL_INLINE void al_end_lane(struct al_scratch* s) {
  struct al_scan* scan = &s->scan;
  struct al_lane* lane = &scan->lane_state[scan->lane & AL_LANES];
  lane->hash = scan->hash;
  if (scan->lane == AL_LANE_VERBATIM) {
    lane->symbols = al_at_most(lane->symbols + (scan->end - scan->begin), AL_RUN_BYTES);
    return;
  }
  lane->symbols = al_at_most(lane->symbols + ((scan->stop - lane->position) >> scan->wide), AL_WINDOW_MAX);
  lane->position = scan->stop;
}

AL_INLINE __u32 al_lanes_left(const struct al_scan* scan) {
  return scan->lanes >> ((scan->lane + 1) & AL_LANES);
}

/* The chunk's next domain. 0: there is none. */
AL_INLINE int al_next_lane(struct al_scratch* s) {
  const __u32 left = al_lanes_left(&s->scan);
  al_end_lane(s);
  if (left == 0) return 0;
  al_begin_lane(s, s->scan.lane + ((left & 1) ? 1 : 2));
  return 1;
}

AL_INLINE void al_begin_chunk(struct al_scratch* s, struct al_interface* interface, __u32 begin, __u32 end) {
  s->scan.begin = begin;
  s->scan.end = end;
  interface->counters.scanned_bytes += end - begin;
  al_begin_lane(s, AL_LANE_VERBATIM);
}

/* Loads the next chunk behind what it continues. 0: done. */
AL_INLINE int al_load_chunk(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface) {
  struct al_scan* scan = &s->scan;
  __u32 length = scan->remaining;
  if (length > AL_CHUNK) length = AL_CHUNK;
  if (length == 0) return 0;
  if (bpf_skb_load_bytes(skb, scan->packet_at, s->bytes + AL_BYTES_AT, length) < 0) {
    interface->counters.trouble[scan->packet_at > 65535 ? AL_TROUBLE_TRUNCATED : AL_TROUBLE_LOAD_FAILED]++;
    al_break_run(scan);
    scan->remaining = 0;
    return 0;
  }
  scan->base = scan->packet_at - scan->payload_offset - AL_BYTES_AT;
  scan->packet_at += length;
  scan->remaining -= length;
  al_begin_chunk(s, interface, AL_BYTES_AT, AL_BYTES_AT + length);
  return 1;
}

/* Between two chunks of a packet. */
AL_INLINE int al_next_chunk(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface) {
  const __u32 end = s->scan.end;
  if (s->scan.remaining == 0 || end > AL_BYTES_AT + AL_CHUNK) return 0;
  al_describe_once(s); /* while the payload's first bytes are there */
  al_copy_words(s->bytes, s->bytes + end - AL_TAIL_BYTES, AL_TAIL_BYTES);
  AL_UNROLL
  for (int lane = AL_LANE_MU_LAW; lane < AL_LANES; ++lane)
    s->scan.lane_state[lane].position += AL_BYTES_AT - end; /* half a sample may be left */
  return al_load_chunk(skb, s, interface);
}

/* The codes of AL_BLOCK 16-bit samples. A global function, since the verifier checks those once. */
__attribute__((noinline)) int al_encode_block(void) {
  const __u32 zero = 0;
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  const struct al_encoders* tables = bpf_map_lookup_elem(&encoders, &zero);
  if (!s || !tables) return 0;
  const __u32 at = s->scan.position;
  if (at > AL_BYTES_AT + AL_CHUNK) return 0;
  al_block_codes(s->symbols, s->bytes + at, tables->code[(s->scan.lane + 1) & 1], s->scan.codec == AL_CODEC_PCM16BE);
  return 0;
}

/* Scans one block. 1: stop, at a selected position (scan->hit) or at the end of the chunk. `shift` is constant. */
AL_INLINE int al_scan_block(struct al_scratch* s, __u32 shift) {
  struct al_scan* scan = &s->scan;
  const __u32 at = scan->position;
  const __u32 stop = scan->stop;
  if (at >= stop || at > AL_BYTES_AT + AL_CHUNK) return 1;
  const __u32 wide = scan->wide & 1;
  const __u32 selectable = scan->selectable;
  const __u64 threshold = at + (AL_BLOCK << wide) <= selectable ? 0 : scan->threshold;
  const struct al_gear* gear = &s->gears[scan->table & (AL_TABLES - 1)];
  __u64 hash = scan->hash;
  if (wide)
    al_encode_block();
  else
    al_block_symbols(s->symbols, s->bytes + at, scan->verbatim);
  const __u32 count = (stop - at) >> wide;
  __u32 consumed;
  if (count >= AL_BLOCK)
    consumed = al_block_roll(s->symbols, gear, &hash, threshold, shift);
  else
    consumed = al_block_roll_some(s->symbols, count, gear, &hash, threshold, shift);
  const __u32 position = at + (consumed << wide);
  scan->hash = hash;
  scan->position = position;
  if (hash >= threshold || position <= selectable) return 0;
  scan->hit = 1;
  return 1;
}

/* The verifier keeps one of the three: settings are constants to it. */
AL_INLINE int al_scan_any_block(struct al_scratch* s) {
  if (settings.window == 64) return al_scan_block(s, 1);
  if (settings.window == 32) return al_scan_block(s, 2);
  return al_scan_block(s, 4);
}

/* Scans until something is selected, the lane ends, or AL_BLOCKS blocks are done. A loop of constant length in each
 * call, since a call and its return cost as much as ten symbols where returns are guarded (SRSO, retbleed). A global
 * function, since the verifier checks those once, and a static one for each way in. */
#define AL_BLOCKS 16
__attribute__((noinline)) int al_scan_step(void) {
  const __u32 zero = 0;
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s) return 0;
  AL_NO_UNROLL
  for (int block = 0; block < AL_BLOCKS; ++block)
    if (al_scan_any_block(s)) break;
  return 0;
}

AL_INLINE int al_scan_pending(const struct al_scan* scan) {
  return scan->hit || scan->position < scan->stop;
}

struct al_context {
  struct al_scratch* scratch;
  struct __sk_buff* skb;
  struct al_interface* interface;
};

static long al_step_callback(__u32 index, void* context) {
  struct al_context* c = context;
  struct al_scratch* s = c->scratch;
  if (s->scan.hit) {
    s->scan.hit = 0;
    al_take(s, c->interface);
  } else if (s->scan.position >= s->scan.stop && !al_next_lane(s) && !al_next_chunk(c->skb, s, c->interface)) {
    return 1;
  }
  al_scan_step();
  if (al_scan_pending(&s->scan) || s->scan.remaining != 0 || al_lanes_left(&s->scan) != 0) return 0;
  al_end_lane(s);
  return 1;
}

#define AL_STEPS (1U << 19) /* chunks, lanes and selected windows of the longest packet, and then some */

AL_INLINE void al_scan_full(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface) {
  struct al_context context = {s, skb, interface};
  al_scan_step();
  if (al_scan_pending(&s->scan) || s->scan.remaining != 0 || al_lanes_left(&s->scan) != 0)
    bpf_loop(AL_STEPS, al_step_callback, &context, 0);
  else
    al_end_lane(s);
}

/* Linux 5.10: no bpf_loop, one chunk, a loop of constant length. */
#define AL_BOUNDED_STEPS 512 /* 8 for 4 KiB and a domain; each selected window takes one more */

/* A selected window, or the next domain. 0: done. */
__attribute__((noinline)) int al_bounded_turn(void) {
  const __u32 zero = 0;
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s) return 0;
  if (!s->scan.hit) return al_next_lane(s);
  struct al_interface* interface = al_find_interface(s->packet.flow.interface_index, s->packet.flow.direction);
  s->scan.hit = 0;
  if (interface) al_take(s, interface);
  return 1;
}

AL_INLINE void al_scan_bounded(struct al_scratch* s, struct al_interface* interface) {
  int left = s->scan.remaining != 0;
  int done = 0;
  s->scan.remaining = 0;
  for (int step = 0; step < AL_BOUNDED_STEPS && !done; ++step) {
    al_scan_step();
    if (s->scan.hit || s->scan.position >= s->scan.stop) done = !al_bounded_turn();
  }
  if (!left && done) return;
  interface->counters.trouble[AL_TROUBLE_TRUNCATED]++;
  al_break_run(&s->scan);
}
