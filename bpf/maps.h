/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every map of the program, and the settings that the daemon writes before it loads. */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "audio_latency/wire/event.h"
#include "audio_latency/wire/scratch.h"
#include "audio_latency/wire/settings.h"
#include "audio_latency/wire/shortcut.h"

const volatile struct al_settings settings = {
    .window = 64,
    .selectivity = 8,
    .minimum_payload = 80,
    .silence_threshold = 256,
    .maximum_flows = 10000,
    .interface_slots = AL_INTERFACE_SLOTS,
};

/* Selected windows. RING_BUFFER_SIZE bytes. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 22);
} events SEC(".maps");

/* One array element, so that a look-up is an index. SIGHUP rewrites it. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct al_port_table);
} ports SEC(".maps");

/* Flags and counters of each attached interface and direction (wire/settings.h). */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, AL_INTERFACE_SLOTS);
  __type(key, __u32);
  __type(value, struct al_interface);
} interfaces SEC(".maps");

/* Payload for the daemon (wire/payload.h). */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 22);
} payloads SEC(".maps");

/* Never LRU, which evicts without telling: a full table is counted, and aged from user space. MAX_FLOWS entries. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 10000);
  __type(key, struct al_flow_key);
  __type(value, struct al_flow_slot);
} flows SEC(".maps");

/* Entries of `flows` by sender: none may hold more than a tenth. As many entries as `flows`. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 10000);
  __type(key, struct al_sender_key);
  __type(value, __u32);
} senders SEC(".maps");

/* Encoders of 16-bit samples; the loader writes them. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct al_encoders);
} encoders SEC(".maps");

/* Working memory of one CPU; the loader writes its tables (al_tables_fill). */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct al_scratch);
} scratch SEC(".maps");

/* AL_SHORTCUTS entries for each CPU; the loader knows how many there are. Not a per-CPU array, whose look-up reads one
 * cache line more; BPF_F_MMAPABLE since its values begin at a page, and so each at a cache line. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, AL_SHORTCUTS);
  __type(key, __u32);
  __type(value, struct al_shortcut);
} shortcuts SEC(".maps");

AL_INLINE struct al_interface* al_find_interface(__u32 index, __u32 direction) {
  AL_UNROLL
  for (__u32 probe = 0; probe < AL_INTERFACE_PROBES; ++probe) {
    const __u32 slot = al_interface_slot(index, direction, probe, settings.interface_slots);
    struct al_interface* interface = bpf_map_lookup_elem(&interfaces, &slot);
    if (interface && interface->index == index && interface->direction == direction) return interface;
  }
  return 0;
}
