/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows that are passed over: while such a verdict is new, it stands for the flow's next packets too, of which only the
 * headers are looked at. Bulk traffic evicts the program's memory from a CPU's caches between two packets: this needs
 * one line of it. */
#pragma once

#include "audio_latency/wire/types.h"

#define AL_SHORTCUTS 256       /* of each CPU, found by the flow's hash: the newer flow takes the place */
#define AL_SHORTCUT_TICKS 2    /* of the kernel's clock, 2 to 20 ms: then the flow is looked up again */
#define AL_SHORTCUT_TINY 100   /* bytes of a packet: below, there is next to no payload */
#define AL_SHORTCUT_LARGE 1024 /* from here on it is rarely audio; most audio does not pay for this */

/* One cache line. */
struct al_shortcut {
  __u64 state;      /* tick << 24 | writes << 16 | verdict of empty packets << 8 | verdict (enum al_verdict) */
  __u64 address[4]; /* source and destination as in the packet; IPv4: both in the first */
  __u32 ports;      /* as in the packet */
  __u32 interface_index;
  __u32 kind; /* direction, IP version, protocol */
  __u32 reserved[3];
};
AL_STATIC_ASSERT(sizeof(struct al_shortcut) == 64, "al_shortcut is a cache line");
