/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Working memory of the kernel program, one for each CPU: too large for the BPF stack, and memory that the verifier
 * does not track. */
#pragma once

#include "audio_latency/wire/block.h"
#include "audio_latency/wire/identity.h"

#define AL_CHUNK 4096 /* payload bytes that are loaded and scanned at a time */
#define AL_BYTES_AT                                                                                 \
  AL_TAIL_BYTES /* where a packet, or a chunk of it, starts in `bytes`: a run's tail lies before it \
                 */
#define AL_AREA (AL_BYTES_AT + AL_CHUNK + 2 * AL_BLOCK)

enum al_lane_number { AL_LANE_VERBATIM = 0, AL_LANE_MU_LAW = 1, AL_LANE_A_LAW = 2, AL_LANES };

/* One domain's scan of a packet, while another domain's goes on. */
struct al_lane {
  __u64 hash;
  __u32 position; /* the next byte */
  __u32 symbols;  /* of this run before `position`, at most AL_WINDOW_MAX (verbatim: bytes, at most AL_RUN_BYTES) */
  __u32 selected; /* windows of this packet at the k in force */
  __u32 reserved;
};

/* Where the scan of a packet stands. Positions are indexes into al_scratch.bytes. */
struct al_scan {
  __u64 hash; /* of the lane that is scanned now, as all up to `hit` */
  __u64 threshold;
  __u64 verbatim;   /* all bits set: the symbol of bytes[i] is bytes[i] ^ bytes[i - AL_LAG]; 0: bytes[i] */
  __u32 position;   /* the next byte */
  __u32 stop;       /* behind its last symbol in this chunk */
  __u32 selectable; /* the first position behind `window` symbols of this run */
  __u32 wide;       /* 1: a symbol comes from a 16-bit sample */
  __u32 table;      /* enum al_table */
  __u32 lane;
  __u32 hit;       /* 1: the symbol before `position` was selected */
  __u32 end;       /* of the chunk */
  __u32 begin;     /* of the chunk: what is in front of it was seen before */
  __u32 lanes;     /* bits of the lanes of this packet */
  __u32 base;      /* offset in the L4 payload of bytes[0]; wraps below 0 */
  __u32 whole;     /* 1: the packet lies in `bytes` from its first header on */
  __u32 packet_at; /* offset in the packet of what has not been loaded yet */
  __u32 remaining; /* bytes that have not been loaded yet */
  __u32 skip;      /* bytes that the run has seen already */
  __u32 counted;   /* selected windows that the flow's rate has counted already */
  __u32 codec;     /* enum al_codec */
  __u32 format;    /* enum al_format */
  struct al_treatment treatment;
  __u32 carry;          /* 1: this packet's run is kept for the next one */
  __u32 version;        /* of the run that this packet continues or replaces */
  __u32 payload_offset; /* of the L4 payload in the packet */
  __u32 payload_length;
  __u32 payload_at;  /* where it starts in `bytes`, while its first chunk is there */
  __u32 event_ready; /* 1: what al_event tells of the packet is filled in */
  __u32 asked;       /* 1: the flow's selectivity is in `threshold` */
  __u64 time_ns;     /* 0: the clock was not asked yet */
  struct al_rtp rtp;
  struct al_lane lane_state[AL_LANES + 1]; /* one more: an index of two bits fits */
};

struct al_scratch {
  struct al_gear gears[AL_TABLES];
  __u8 recode[AL_TABLES][256]; /* al_recode() */
  __s64 tokens;                /* payload bytes that this CPU may scan until it asks the clock again */
  __u64 refilled_ns;
  __u32 busy;        /* 1: in use */
  __u32 unannounced; /* bytes written to the ring buffer since this CPU last woke its reader */
  __u64 tick;        /* of the kernel's clock, when it was tick_ns */
  __u64 tick_ns;
  __s64 sample_tokens; /* payload bytes of unknown flows that this CPU may hand over until it asks the clock again */
  __u64 sample_refilled_ns;
  __u32 payload_unannounced; /* as `unannounced` */
  __u32 hand_over;           /* payload bytes of the packet at hand that go to the daemon */
  __u32 handed_bytes;        /* of those */
  __u32 handed;              /* records of it */
  __u32 handed_lost;
  struct al_scan scan;
  struct al_packet packet;
  struct al_event event;
  __u64 new_slot[sizeof(struct al_flow_slot) / 8]; /* an entry that is about to be made; no map may hold its lock */
  __u8 symbols[AL_BLOCK];                          /* of the block at hand */
  __u8 window[AL_WINDOW_MAX];                      /* the selected one */
  __u8 bytes[AL_AREA];
  struct al_payload record; /* and behind it, its bytes */
  __u8 record_bytes[AL_PAYLOAD_CHUNK];
};
AL_STATIC_ASSERT(sizeof(struct al_flow_slot) % 8 == 0, "al_flow_slot is copied as words");

/* What the loader writes into each CPU's scratch memory. */
static inline __attribute__((unused)) void al_tables_fill(struct al_scratch* scratch, __u32 window) {
  al_gears_fill(scratch->gears, window);
  for (__u32 table = 0; table < AL_TABLES; ++table)
    for (__u32 code = 0; code < 256; ++code) scratch->recode[table][code] = al_recode(table, (__u8)code);
}
