/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stage 3: the payload, chunk by chunk, block by block. A block is left at the first selected position, which lies at
 * a constant place behind the block's start; where that is, and the hash, come back from map memory, so that the
 * verifier takes them for unknown and follows each branch once. */
#pragma once

#include "emit.h"

/* Prepares the scan of bytes[at] to bytes[end]: what the run carries lies in front. */
AL_INLINE void al_begin_chunk(struct al_scratch* s, struct al_interface* interface, __u32 at, __u32 end) {
  struct al_scan* scan = &s->scan;
  const __u32 carried = scan->run_bytes;
  const __u32 window = settings.window;
  const __u32 all = carried + (end - at);
  scan->position = carried < AL_LAG ? at + (AL_LAG - carried) : at;
  scan->selectable = at + (carried < AL_LAG + window - 1 ? AL_LAG + window - 1 - carried : 0);
  scan->end = end;
  scan->run_bytes = all < AL_RUN_BYTES ? all : AL_RUN_BYTES;
  interface->counters.scanned_bytes += end - at;
}

/* Loads the next chunk behind what it continues. 0: done. */
AL_INLINE int al_load_chunk(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface) {
  struct al_scan* scan = &s->scan;
  __u32 length = scan->remaining;
  if (length > AL_CHUNK) length = AL_CHUNK;
  if (length == 0) return 0;
  if (bpf_skb_load_bytes(skb, scan->packet_at, s->bytes + AL_CHUNK_AT, length) < 0) {
    interface->counters.trouble[scan->packet_at > 65535 ? AL_TROUBLE_TRUNCATED : AL_TROUBLE_LOAD_FAILED]++;
    scan->run_bytes = 0;
    scan->remaining = 0;
    return 0;
  }
  scan->base = scan->packet_at - scan->payload_offset - AL_CHUNK_AT;
  scan->packet_at += length;
  scan->remaining -= length;
  al_begin_chunk(s, interface, AL_CHUNK_AT, AL_CHUNK_AT + length);
  return 1;
}

/* Between two chunks of a packet. */
AL_INLINE int al_next_chunk(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface) {
  const __u32 end = s->scan.end;
  if (s->scan.remaining == 0 || end > AL_CHUNK_AT + AL_CHUNK) return 0;
  al_describe_once(s); /* while the payload's first bytes are there */
  al_copy_window(s->symbols + AL_CHUNK_AT, s->symbols + end);
  al_store32(s->bytes + AL_CHUNK_AT - AL_LAG, al_load32(s->bytes + end - AL_LAG));
  return al_load_chunk(skb, s, interface);
}

/* Scans one block. 1: stop, at a selected position (scan->hit) or at the end of the chunk. `shift` is constant. */
AL_INLINE int al_scan_block(struct al_scratch* s, __u32 shift) {
  struct al_scan* scan = &s->scan;
  const __u32 at = scan->position;
  const __u32 end = scan->end;
  if (at >= end || at > AL_CHUNK_AT + AL_CHUNK) return 1;
  const __u32 selectable = scan->selectable;
  const __u64 threshold = at + AL_BLOCK <= selectable ? 0 : scan->threshold;
  __u64 hash = scan->hash;
  __u8* symbols = s->symbols + AL_WINDOW_MAX + at;
  al_block_symbols(symbols, s->bytes + at);
  __u32 consumed;
  if (end - at >= AL_BLOCK)
    consumed = al_block_roll(symbols, &s->gear, &hash, threshold, shift);
  else
    consumed = al_block_roll_some(symbols, end - at, &s->gear, &hash, threshold, shift);
  scan->hash = hash;
  scan->position = at + consumed;
  if (hash >= threshold || at + consumed <= selectable) return 0;
  scan->hit = 1;
  return 1;
}

/* The verifier keeps one of the three: settings are constants to it. */
AL_INLINE int al_scan_any_block(struct al_scratch* s) {
  if (settings.window == 64) return al_scan_block(s, 1);
  if (settings.window == 32) return al_scan_block(s, 2);
  return al_scan_block(s, 4);
}

/* Scans until something is selected, the chunk ends, or AL_BLOCKS blocks are done. A loop of constant length in each
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
  return scan->hit || scan->position < scan->end;
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
  } else if (s->scan.position >= s->scan.end && !al_next_chunk(c->skb, s, c->interface)) {
    return 1;
  }
  al_scan_step();
  return !al_scan_pending(&s->scan) && s->scan.remaining == 0;
}

#define AL_STEPS (1U << 19) /* chunks and selected windows of the longest packet, and then some */

AL_INLINE void al_scan_full(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface) {
  struct al_context context = {s, skb, interface};
  al_scan_step();
  if (al_scan_pending(&s->scan) || s->scan.remaining != 0) bpf_loop(AL_STEPS, al_step_callback, &context, 0);
}

/* Linux 5.10: no bpf_loop, one chunk, a loop of constant length. */
#define AL_BOUNDED_STEPS 512 /* 8 for 4 KiB; each selected window takes one more */

__attribute__((noinline)) int al_bounded_take(void) {
  const __u32 zero = 0;
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s) return 0;
  const struct al_interface_key key = {s->packet.flow.interface_index, s->packet.flow.direction};
  struct al_interface* interface = bpf_map_lookup_elem(&interfaces, &key);
  s->scan.hit = 0;
  if (interface) al_take(s, interface);
  return 0;
}

AL_INLINE void al_scan_bounded(struct al_scratch* s, struct al_interface* interface) {
  int left = s->scan.remaining != 0;
  s->scan.remaining = 0;
  for (int step = 0; step < AL_BOUNDED_STEPS; ++step) {
    al_scan_step();
    if (s->scan.hit)
      al_bounded_take();
    else if (s->scan.position >= s->scan.end)
      break;
  }
  if (s->scan.position < s->scan.end) left = 1;
  if (!left) return;
  interface->counters.trouble[AL_TROUBLE_TRUNCATED]++;
  s->scan.run_bytes = 0;
}
