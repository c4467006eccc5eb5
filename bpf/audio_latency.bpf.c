/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entry points. One pair for Ethernet devices, one for L3 devices (chosen by ARPHRD at attach time), each in two
 * builds: `full` scans whole payloads with bpf_loop (Linux 5.17), `bounded` the first 4 KiB (Linux 5.10).
 * Every path returns TC_ACT_UNSPEC: the packet's fate is never ours to decide. */
#include "maps.h"

#include "parse.h"
#include "scan.h"
#include "shortcut.h"

#define AL_UNSPEC -1 /* TC_ACT_UNSPEC, TCX_NEXT */

/* Where the companded lanes begin: at the first sample that is whole, or that the run has the other half of. */
AL_INLINE void al_align_lanes(struct al_scratch* s, __u32 begin) {
  struct al_scan* scan = &s->scan;
  __u32 position = begin;
  if (al_codec_is_linear(scan->codec) && s->packet.flow.protocol == 6 &&
      ((s->packet.sequence + scan->skip + scan->treatment.phase) & 1) != 0)
    position = scan->lane_state[AL_LANE_VERBATIM].symbols != 0 ? begin - 1 : begin + 1;
  AL_UNROLL
  for (int lane = AL_LANE_MU_LAW; lane < AL_LANES; ++lane) scan->lane_state[lane].position = position;
}

/* Where the bytes to scan lie: in what was loaded already, or still in the packet. */
AL_INLINE int al_prepare(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface,
                         struct al_flow_slot* slot) {
  struct al_scan* scan = &s->scan;
  const __u32 audio = scan->payload_offset + scan->rtp.header; /* in the packet */
  scan->whole = s->packet.length <= AL_HEADER_BYTES;
  scan->payload_at = AL_BYTES_AT + (scan->whole ? scan->payload_offset : 0);
  scan->skip = 0;
  scan->threshold = al_threshold(settings.selectivity);
  AL_UNROLL
  for (int lane = 0; lane < AL_LANES; ++lane) {
    scan->lane_state[lane].hash = 0;
    scan->lane_state[lane].symbols = 0;
    scan->lane_state[lane].selected = 0;
  }
  const int loaded = !scan->whole || al_load_rest(skb, s);
  if (slot) al_resume_flow(s, slot, AL_BYTES_AT + audio); /* puts the flow's tail over headers that were loaded */
  AL_FORGET();
  const __u32 from = audio + scan->skip;
  if (scan->whole) {
    scan->remaining = 0;
    scan->base = 0U - scan->payload_offset - AL_BYTES_AT;
    if (from > s->packet.end || s->packet.end > AL_HEADER_BYTES || !loaded) {
      interface->counters.trouble[AL_TROUBLE_LOAD_FAILED]++;
      scan->end = AL_BYTES_AT;
      al_break_run(scan);
      return 0;
    }
    if (scan->lanes != 1) al_align_lanes(s, AL_BYTES_AT + from);
    al_begin_chunk(s, interface, AL_BYTES_AT + from, AL_BYTES_AT + s->packet.end);
    return 1;
  }
  scan->end = AL_BYTES_AT;
  scan->packet_at = from;
  scan->remaining = s->packet.end - from;
  if (scan->lanes != 1) al_align_lanes(s, AL_BYTES_AT);
  return al_load_chunk(skb, s, interface);
}

/* Scans the packet in the domains that its codec has. */
AL_INLINE void al_scan_packet(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface,
                              struct al_flow_slot* slot, int full) {
  struct al_scan* scan = &s->scan;
  scan->hit = 0;
  scan->counted = 0;
  scan->event_ready = 0;
  scan->asked = slot != 0 || s->packet.flow.protocol == 6 || scan->rtp.header != 0;
  if (al_prepare(skb, s, interface, slot)) {
    if (slot && scan->codec == AL_CODEC_COMPRESSED) al_take_payload(s, interface, slot);
    if (full)
      al_scan_full(skb, s, interface);
    else
      al_scan_bounded(s, interface);
  }
  if (slot)
    al_keep_flow(s, interface, slot);
  else
    al_count_selected(s);
}

AL_INLINE enum al_verdict al_examine(struct __sk_buff* skb, struct al_scratch* s, struct al_interface* interface,
                                     int ethernet, int full) {
  const __u32 zero = 0;
  struct al_scan* scan = &s->scan;
  struct al_port_table* table = bpf_map_lookup_elem(&ports, &zero);
  const enum al_verdict verdict = al_parse_packet(skb, s, ethernet, interface->flags);
  if (verdict != AL_SCANNED || !table) return verdict;
  const __u32 format = al_port_format(table, &s->packet.flow);
  if (format == AL_FORMAT_NONE) return AL_PORT;
  scan->format = format;
  scan->treatment = al_treatment_of(format);
  scan->time_ns = 0;
  scan->rtp.header = 0;
  scan->payload_offset = s->packet.offset;
  scan->payload_length = s->packet.end - s->packet.offset;
  if (al_is_managed(table, format)) {
    const int managed = al_manage(skb);
    if (managed != AL_SCANNED) return managed;
  } else {
    al_parse_audio(skb, s);
  }
  AL_FORGET();
  const int keyed = s->packet.flow.protocol == 6 || scan->rtp.header != 0;
  al_choose_lanes(s, table, scan->treatment.codec);
  const int small = scan->payload_length < settings.minimum_payload && scan->codec != AL_CODEC_COMPRESSED;
  if (scan->payload_length == 0 || (small && !keyed)) return AL_TOO_SMALL;
  struct al_flow_slot* slot = keyed ? al_find_flow(s, interface, !small) : 0;
  if (small && !slot) return AL_TOO_SMALL;
  if (!al_within_budget(s, scan->payload_length)) return AL_BUDGET;
  al_scan_packet(skb, s, interface, slot, full);
  return AL_SCANNED;
}

/* Takes this CPU's scratch memory. Under PREEMPT_RT, a packet may come while another one's is in use on the same CPU.
 * Linux 5.10 has no exchange; there, between look and take, a few instructions are not covered. */
AL_INLINE int al_enter(struct al_scratch* s, int full) {
  if (full) return __sync_lock_test_and_set(&s->busy, 1) == 0;
  if (s->busy) return 0;
  s->busy = 1;
  return 1;
}

/* Takes the short way, where there is one. */
AL_INLINE __u32 al_shortcut_verdict(struct __sk_buff* skb, int ethernet, __u32 direction) {
  return al_may_cut(skb, ethernet) ? al_cut(skb, ethernet, direction) : AL_VERDICTS;
}

/* `syn` may be an earlier packet's where this one has no TCP header: then there is nothing to forget. */
AL_INLINE void al_keep_verdict(struct __sk_buff* skb, int ethernet, __u32 direction, __u32 verdict, int syn) {
  const int passed_over = verdict == AL_NOT_AUDIO || verdict == AL_PORT || verdict == AL_TOO_SMALL;
  if (syn || (passed_over && al_may_cut(skb, ethernet))) al_shorten(skb, ethernet, direction, verdict);
}

AL_INLINE int al_handle(struct __sk_buff* skb, int ethernet, __u32 direction, int full) {
  const __u32 zero = 0;
  const __u32 index = skb->ifindex;
  struct al_interface* interface = al_find_interface(index, direction);
  if (!interface) return AL_UNSPEC;
  __u32 verdict = al_shortcut_verdict(skb, ethernet, direction);
  if (verdict < AL_VERDICTS) {
    interface->counters.packets[verdict]++;
    return AL_UNSPEC;
  }
  AL_FORGET();
  struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  if (!s) return AL_UNSPEC;
  verdict = AL_BUSY;
  if (al_enter(s, full)) {
    s->packet.flow.interface_index = index;
    s->packet.flow.direction = (__u8)direction;
    verdict = al_examine(skb, s, interface, ethernet, full);
    al_keep_verdict(skb, ethernet, direction, verdict, s->packet.syn);
    s->busy = 0;
  }
  if (verdict < AL_VERDICTS) interface->counters.packets[verdict]++;
  return AL_UNSPEC;
}

#define AL_ENTRY(name, ethernet, direction, full)           \
  SEC("tc") int name(struct __sk_buff* skb) {               \
    return al_handle(skb, (ethernet), (direction), (full)); \
  }

AL_ENTRY(al_ethernet_ingress_full, 1, AL_INGRESS, 1)
AL_ENTRY(al_ethernet_egress_full, 1, AL_EGRESS, 1)
AL_ENTRY(al_l3_ingress_full, 0, AL_INGRESS, 1)
AL_ENTRY(al_l3_egress_full, 0, AL_EGRESS, 1)
AL_ENTRY(al_ethernet_ingress_bounded, 1, AL_INGRESS, 0)
AL_ENTRY(al_ethernet_egress_bounded, 1, AL_EGRESS, 0)
AL_ENTRY(al_l3_ingress_bounded, 0, AL_INGRESS, 0)
AL_ENTRY(al_l3_egress_bounded, 0, AL_EGRESS, 0)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
