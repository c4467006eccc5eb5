/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flow table: entries are made with BPF_NOEXIST within a quota, read and written back under their lock. */
#pragma once

#include "parse.h"
#include "select.h"

/* Counts an entry against its sender. Only the daemon counts down (wire/flow.h). */
AL_INLINE void al_charge_sender(const struct al_sender_key* sender) {
  __u32* held = bpf_map_lookup_elem(&senders, sender);
  if (held) {
    __sync_fetch_and_add(held, 1);
    return;
  }
  const __u32 one = 1;
  bpf_map_update_elem(&senders, sender, &one, BPF_NOEXIST);
}

/* Who pays: on a pod's veth, whoever is behind it; elsewhere the source address; on loopback nobody. 0: nobody. */
AL_INLINE int al_find_sender(const struct al_packet* packet, __u64 flags, struct al_sender_key* sender) {
  __builtin_memset(sender, 0, sizeof *sender);
  if (flags & AL_INTERFACE_LOOPBACK) return 0;
  if (!(flags & AL_INTERFACE_UPLINK) && packet->flow.direction == AL_INGRESS)
    sender->interface_index = packet->flow.interface_index;
  else
    __builtin_memcpy(sender->address, packet->flow.source, sizeof sender->address);
  return 1;
}

AL_INLINE struct al_flow_slot* al_make_flow(struct al_scratch* s, struct al_interface* interface) {
  struct al_sender_key sender;
  const int charged = al_find_sender(&s->packet, interface->flags, &sender);
  __u32 quota = settings.maximum_flows / 10;
  if (quota == 0) quota = 1;
  const __u32* held = charged ? bpf_map_lookup_elem(&senders, &sender) : 0;
  if (held && *held >= quota) {
    interface->counters.trouble[AL_TROUBLE_FLOW_QUOTA]++;
    return 0;
  }
  struct al_flow_slot* fresh = (struct al_flow_slot*)s->new_slot;
  fresh->flow.sender = sender;
  const __u64 now = al_tick_time(s);
  fresh->flow.last_seen_ns = now;
  al_begin_treatment(&fresh->flow, s->scan.format, now);
  const long code = bpf_map_update_elem(&flows, &s->packet.flow, fresh, BPF_NOEXIST);
  if (code == 0 && charged) al_charge_sender(&sender);
  if (code < 0 && code != -17 /* EEXIST: made by another CPU just now */) {
    interface->counters.trouble[AL_TROUBLE_FLOW_TABLE_FULL]++;
    return 0;
  }
  return bpf_map_lookup_elem(&flows, &s->packet.flow);
}

AL_INLINE struct al_flow_slot* al_find_flow(struct al_scratch* s, struct al_interface* interface, int make) {
  struct al_flow_slot* slot = bpf_map_lookup_elem(&flows, &s->packet.flow);
  if (!slot && make) slot = al_make_flow(s, interface);
  return slot;
}

/* Flows without carry are looked up when something is selected: their selectivity. The verbatim domain decides it;
 * counts this window, too. */
AL_INLINE void al_ask_selectivity(struct al_scratch* s, struct al_interface* interface) {
  const __u64 hash = s->scan.hash;
  s->scan.asked = 1;
  struct al_flow_slot* slot = al_find_flow(s, interface, 1);
  if (!slot) return;
  const __u64 now = al_tick_time(s);
  bpf_spin_lock(&slot->lock);
  slot->flow.last_seen_ns = now;
  const __u32 selectivity = al_rate_update(&slot->flow.rate, now, settings.selectivity);
  const __u64 threshold = al_threshold(selectivity & 63);
  const __u32 counted = s->scan.lane == AL_LANE_VERBATIM && hash < threshold;
  slot->flow.rate.selected += counted;
  bpf_spin_unlock(&slot->lock);
  s->scan.threshold = threshold;
  s->scan.counted = counted;
}

/* `length` is constant, a multiple of 8. */
AL_INLINE void al_copy_words(__u8* to, const __u8* from, __u32 length) {
  AL_UNROLL
  for (__u32 at = 0; at < length; at += 8) al_store64(to + at, al_load64(from + at));
}

/* The end of a run's tail; only runs of 16-bit samples need all of it. */
AL_INLINE void al_copy_tail(__u8* to, const __u8* from, int wide) {
  if (wide) al_copy_words(to, from, AL_TAIL_BYTES - AL_TAIL_SHORT);
  al_copy_words(to + AL_TAIL_BYTES - AL_TAIL_SHORT, from + AL_TAIL_BYTES - AL_TAIL_SHORT, AL_TAIL_SHORT);
}

AL_INLINE void al_break_run(struct al_scan* scan) {
  AL_UNROLL
  for (int lane = 0; lane < AL_LANES; ++lane) scan->lane_state[lane].symbols = 0;
}

/* Takes a consistent picture of the flow: what the packet continues goes in front of where its bytes will be scanned,
 * which is `at`, or behind what was seen before, where the whole packet lies in scratch memory. */
AL_INLINE void al_resume_flow(struct al_scratch* s, struct al_flow_slot* slot, __u32 at) {
  struct al_scan* scan = &s->scan;
  const __u64 now = al_tick_time(s);
  const int tcp = s->packet.flow.protocol == 6;
  const __u32 sequence = tcp ? s->packet.sequence : scan->rtp.sequence;
  const __u32 length = scan->payload_length;
  const __u32 ssrc = scan->rtp.ssrc;
  const int whole = scan->whole;
  const __u32 codec = scan->codec;
  const int companded = scan->lanes != 1;
  const int wide = al_codec_is_linear(codec);
  __u32 skip = 0;
  enum al_continuity place;
  bpf_spin_lock(&slot->lock);
  struct al_flow* flow = &slot->flow;
  flow->last_seen_ns = now;
  const __u32 selectivity = al_rate_update(&flow->rate, now, settings.selectivity);
  if (tcp)
    place = al_continuity_tcp(&flow->run, sequence, length, &skip);
  else
    place = al_continuity_rtp(&flow->run, ssrc, (__u16)sequence);
  const __u32 begin = whole ? at + skip : AL_BYTES_AT;
  if (place == AL_RUN_CONTINUES && begin <= AL_BYTES_AT + AL_HEADER_BYTES) {
    scan->lane_state[AL_LANE_VERBATIM].hash = flow->run.hash;
    scan->lane_state[AL_LANE_VERBATIM].symbols = flow->run.bytes;
    if (companded && flow->run.codec == codec) {
      AL_UNROLL
      for (int domain = 0; domain < AL_COMPANDED; ++domain) {
        scan->lane_state[AL_LANE_MU_LAW + domain].hash = flow->run.companded[domain];
        scan->lane_state[AL_LANE_MU_LAW + domain].symbols = flow->run.codes[domain];
      }
    }
    al_copy_tail(s->bytes + begin - AL_TAIL_BYTES, flow->run.tail, wide);
  }
  scan->version = flow->version;
  bpf_spin_unlock(&slot->lock);
  scan->threshold = al_threshold(selectivity & 63);
  scan->skip = skip;
  scan->carry = place != AL_RUN_LATE;
}

/* Symbols of a lane's run that the next packet continues. RTP: half a sample that is left does not go on. */
AL_INLINE __u32 al_codes_kept(const struct al_scan* scan, __u32 number) {
  if ((scan->lanes >> number & 1) == 0) return 0;
  const struct al_lane* lane = &scan->lane_state[number];
  if (scan->rtp.header != 0 && lane->position != scan->end) return 0;
  return lane->symbols;
}

/* Writes back what the next packet continues. Where another CPU wrote in the meantime, its run stands: it is as right
 * as this one, and the sequence numbers tell which packet continues it. */
AL_INLINE void al_keep_flow(struct al_scratch* s, struct al_interface* interface, struct al_flow_slot* slot) {
  struct al_scan* scan = &s->scan;
  const __u32 end = scan->end;
  if (end > AL_BYTES_AT + AL_CHUNK) return;
  const __u64 hash = scan->lane_state[AL_LANE_VERBATIM].hash;
  const __u64 mu_law = scan->lane_state[AL_LANE_MU_LAW].hash;
  const __u64 a_law = scan->lane_state[AL_LANE_A_LAW].hash;
  const __u32 bytes = scan->lane_state[AL_LANE_VERBATIM].symbols;
  const __u32 mu_law_codes = al_codes_kept(scan, AL_LANE_MU_LAW);
  const __u32 a_law_codes = al_codes_kept(scan, AL_LANE_A_LAW);
  const __u32 next = s->packet.flow.protocol == 6 ? s->packet.sequence + scan->payload_length : scan->rtp.sequence + 1U;
  const __u32 stream_id = scan->rtp.ssrc;
  const __u32 version = scan->version;
  const __u32 selected = scan->lane_state[AL_LANE_VERBATIM].selected;
  const __u32 carry = scan->carry;
  const __u32 codec = scan->codec;
  const int wide = al_codec_is_linear(codec);
  __u32 busy = 0;
  bpf_spin_lock(&slot->lock);
  struct al_flow* flow = &slot->flow;
  flow->rate.selected += selected;
  if (carry) {
    if (flow->version == version) {
      flow->version = version + 1;
      flow->run.hash = hash;
      flow->run.companded[0] = mu_law;
      flow->run.companded[1] = a_law;
      flow->run.next = next;
      flow->run.stream_id = stream_id;
      flow->run.bytes = bytes;
      flow->run.codes[0] = (__u8)mu_law_codes;
      flow->run.codes[1] = (__u8)a_law_codes;
      flow->run.codec = (__u8)codec;
      al_copy_tail(flow->run.tail, s->bytes + end - AL_TAIL_BYTES, wide);
    } else {
      busy = 1;
    }
  }
  bpf_spin_unlock(&slot->lock);
  interface->counters.trouble[AL_TROUBLE_FLOW_BUSY] += busy;
}

/* Flows without carry: what was selected behind the first window counts for their selectivity, too. */
AL_INLINE void al_count_selected(struct al_scratch* s) {
  const __u32 more = s->scan.lane_state[AL_LANE_VERBATIM].selected - s->scan.counted;
  if ((__s32)more <= 0) return;
  struct al_flow_slot* slot = bpf_map_lookup_elem(&flows, &s->packet.flow);
  if (!slot) return;
  bpf_spin_lock(&slot->lock);
  slot->flow.rate.selected += more;
  bpf_spin_unlock(&slot->lock);
}
