/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Working memory of the kernel program, one for each CPU: too large for the BPF stack, and memory that the verifier
 * does not track. */
#pragma once

#include "audio_latency/wire/block.h"
#include "audio_latency/wire/identity.h"

#define AL_CHUNK 4096             /* payload bytes that are loaded and scanned at a time */
#define AL_CHUNK_AT AL_WINDOW_MAX /* where a chunk starts in `bytes`: room for what it continues lies before it */
#define AL_AREA (AL_CHUNK_AT + AL_CHUNK + AL_BLOCK)

/* Where the scan of a packet stands. Positions are indexes into al_scratch.bytes; the symbol of bytes[i] is
 * symbols[i + AL_WINDOW_MAX]. */
struct al_scan {
  __u64 hash;
  __u64 threshold;
  __u32 position;       /* the next byte */
  __u32 end;            /* of the chunk */
  __u32 selectable;     /* the first position behind `window` symbols of this run */
  __u32 run_bytes;      /* of the run up to `end`, at most AL_RUN_BYTES */
  __u32 hit;            /* 1: the symbol before `position` was selected */
  __u32 base;           /* offset in the L4 payload of bytes[0]; wraps below 0 */
  __u32 whole;          /* 1: the packet lies in `bytes` from its first header on */
  __u32 packet_at;      /* offset in the packet of what has not been loaded yet */
  __u32 remaining;      /* bytes that have not been loaded yet */
  __u32 skip;           /* bytes that the run has seen already */
  __u32 selected;       /* windows of this packet at the k in force */
  __u32 format;         /* enum al_format */
  __u32 carry;          /* 1: this packet's run is kept for the next one */
  __u32 version;        /* of the run that this packet continues or replaces */
  __u32 payload_offset; /* of the L4 payload in the packet */
  __u32 payload_length;
  __u32 payload_at;  /* where it starts in `bytes`, while its first chunk is there */
  __u32 event_ready; /* 1: what al_event tells of the packet is filled in */
  __u32 asked;       /* 1: the flow's selectivity is in `threshold` */
  __u64 time_ns;     /* 0: the clock was not asked yet */
  struct al_rtp rtp;
};

struct al_scratch {
  struct al_gear gear; /* first: reached from the same base register as everything else, without an offset */
  __s64 tokens;        /* payload bytes that this CPU may scan until it asks the clock again */
  __u64 refilled_ns;
  __u32 busy;        /* 1: in use */
  __u32 unannounced; /* bytes written to the ring buffer since this CPU last woke its reader */
  struct al_scan scan;
  struct al_packet packet;
  struct al_event event;
  __u64 new_slot[sizeof(struct al_flow_slot) / 8]; /* an entry that is about to be made; no map may hold its lock */
  __u8 bytes[AL_AREA];
  __u8 symbols[AL_WINDOW_MAX + AL_AREA];
};
AL_STATIC_ASSERT(sizeof(struct al_flow_slot) % 8 == 0, "al_flow_slot is copied as words");
