/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Before stage 1: packets of a flow that is passed over (wire/shortcut.h). */
#pragma once

#include "parse.h"

#define AL_TICKS ((1ULL << 40) - 1) /* as many bits as al_shortcut.state has for them */

/* What a packet is, where its headers are the plain ones and agree with each other; everything else is examined. */
enum al_plain { AL_NOT_PLAIN = 0, AL_PLAIN_EMPTY, AL_PLAIN_PAYLOAD, AL_PLAIN_SYN };

/* Is it worth asking? Of UDP, packets of the sizes that most audio comes in are not. */
AL_INLINE int al_may_cut(struct __sk_buff* skb, int ethernet) {
  const __u8* header = (const __u8*)(long)skb->data + (ethernet ? 14 : 0);
  if (skb->len < AL_SHORTCUT_TINY || skb->len >= AL_SHORTCUT_LARGE) return 1;
  if (header + 10 > (const __u8*)(long)skb->data_end) return 0;
  return (header[0] >> 4 == 6 ? header[6] : header[9]) == 6; /* TCP */
}

/* `room` bytes of IP payload. */
AL_INLINE enum al_plain al_plain_transport(const __u8* header, __u32 protocol, __u32 room) {
  if (protocol == 17) {
    const __u32 length = al_be16(header + 4);
    return length > 8 && length <= room ? AL_PLAIN_PAYLOAD : AL_NOT_PLAIN;
  }
  const __u32 length = (header[12] >> 4) * 4U;
  if (protocol != 6 || length < 20 || length > room) return AL_NOT_PLAIN;
  if ((header[13] & 2) != 0) return AL_PLAIN_SYN;
  return length == room ? AL_PLAIN_EMPTY : AL_PLAIN_PAYLOAD;
}

AL_INLINE enum al_plain al_plain_ipv4(struct __sk_buff* skb, __u32 offset, struct al_shortcut* key) {
  const __u8* header = (const __u8*)(long)skb->data + offset;
  if (header + 40 > (const __u8*)(long)skb->data_end) return AL_NOT_PLAIN;
  const __u32 total = al_be16(header + 2);
  if ((al_be16(header + 6) & 0x3fff) != 0 || total < 28 || total > skb->len - offset) return AL_NOT_PLAIN;
  key->address[0] = al_load64(header + 12);
  key->ports = al_load32(header + 20);
  key->kind |= 4U << 16 | header[9];
  return al_plain_transport(header + 20, header[9], total - 20);
}

AL_INLINE enum al_plain al_plain_ipv6(struct __sk_buff* skb, __u32 offset, struct al_shortcut* key) {
  const __u8* header = (const __u8*)(long)skb->data + offset;
  if (header + 60 > (const __u8*)(long)skb->data_end) return AL_NOT_PLAIN;
  const __u32 length = al_be16(header + 4);
  if (length < 8 || length + 40 > skb->len - offset) return AL_NOT_PLAIN;
  AL_UNROLL
  for (int word = 0; word < 4; ++word) key->address[word] = al_load64(header + 8 + 8 * word);
  key->ports = al_load32(header + 40);
  key->kind |= 6U << 16 | header[6];
  return al_plain_transport(header + 40, header[6], length);
}

AL_INLINE enum al_plain al_plain_packet(struct __sk_buff* skb, int ethernet, __u32 direction, struct al_shortcut* key) {
  const __u8* data = (const __u8*)(long)skb->data;
  const __u32 offset = ethernet ? 14 : 0;
  if (data + offset + 1 > (const __u8*)(long)skb->data_end) return AL_NOT_PLAIN;
  __builtin_memset(key, 0, sizeof *key);
  key->interface_index = skb->ifindex;
  key->kind = direction << 8;
  const __u32 type = ethernet ? al_be16(data + 12) : 0;
  if (data[offset] == 0x45 && (!ethernet || type == 0x0800)) return al_plain_ipv4(skb, offset, key);
  if (data[offset] >> 4 == 6 && (!ethernet || type == 0x86dd)) return al_plain_ipv6(skb, offset, key);
  return AL_NOT_PLAIN;
}

AL_INLINE struct al_shortcut* al_find_shortcut(const struct al_shortcut* key) {
  __u64 hash = key->address[0] ^ key->address[1] ^ key->address[2] ^ key->address[3] ^ key->ports;
  hash = (hash ^ key->interface_index ^ (__u64)key->kind << 32) * 0x9e3779b97f4a7c15ULL;
  const __u32 slot = bpf_get_smp_processor_id() * AL_SHORTCUTS + (__u32)(hash >> 56);
  return bpf_map_lookup_elem(&shortcuts, &slot);
}
AL_STATIC_ASSERT(AL_SHORTCUTS == 256, "al_find_shortcut() takes eight bits of the hash");

AL_INLINE int al_same_flow(const struct al_shortcut* a, const struct al_shortcut* b) {
  return a->address[0] == b->address[0] && a->ports == b->ports && a->interface_index == b->interface_index &&
         a->kind == b->kind && a->address[1] == b->address[1] && a->address[2] == b->address[2] &&
         a->address[3] == b->address[3];
}

/* The verdict on the packet, or AL_VERDICTS: it must be examined. Under PREEMPT_RT another packet on the same CPU may
 * write the entry while it is read here: then the state has changed when it is read again. A global function, since the
 * verifier checks those once. */
__attribute__((noinline)) int al_cut(struct __sk_buff* skb, int ethernet, __u32 direction) {
  struct al_shortcut key;
  const enum al_plain plain = al_plain_packet(skb, ethernet, direction, &key);
  if (plain != AL_PLAIN_EMPTY && plain != AL_PLAIN_PAYLOAD) return AL_VERDICTS;
  const struct al_shortcut* known = al_find_shortcut(&key);
  if (!known) return AL_VERDICTS;
  const __u64 state = known->state;
  AL_FORGET();
  if (!al_same_flow(known, &key) || (bpf_jiffies64() - (state >> 24) & AL_TICKS) >= AL_SHORTCUT_TICKS)
    return AL_VERDICTS;
  AL_FORGET();
  if (known->state != state) return AL_VERDICTS;
  return (plain == AL_PLAIN_EMPTY ? state >> 8 : state) & 0xff;
}

/* What the verdict on this packet says of the flow's next ones: the low bits of al_shortcut.state. 0: nothing. */
AL_INLINE __u32 al_verdicts_kept(const struct al_packet* packet, enum al_plain plain, __u32 verdict) {
  if (packet->flow.tunnelled || al_is_tunnel(packet, &settings)) return 0;
  if (verdict == AL_PORT) return AL_PORT << 8 | AL_PORT;
  if (verdict == AL_NOT_AUDIO) return AL_TOO_SMALL << 8 | AL_NOT_AUDIO;
  if (verdict == AL_TOO_SMALL && plain == AL_PLAIN_EMPTY) return AL_TOO_SMALL << 8 | AL_VERDICTS;
  return 0;
}

/* Behind the examination: keeps its verdict, or forgets what it contradicts, as where a connection begins. A global
 * function, since the verifier checks those once. */
__attribute__((noinline)) int al_shorten(struct __sk_buff* skb, int ethernet, __u32 direction, __u32 verdict) {
  const __u32 zero = 0;
  const struct al_scratch* s = bpf_map_lookup_elem(&scratch, &zero);
  struct al_shortcut key;
  const enum al_plain plain = al_plain_packet(skb, ethernet, direction, &key);
  if (!s || plain == AL_NOT_PLAIN) return 0;
  struct al_shortcut* kept = al_find_shortcut(&key);
  const __u32 verdicts = al_verdicts_kept(&s->packet, plain, verdict);
  if (!kept || (verdicts == 0 && !al_same_flow(kept, &key))) return 0;
  const __u64 writes = (kept->state >> 16 & 0xff) + 1;
  kept->state = 0; /* readers may come in between, other writers not: this CPU's scratch memory is taken */
  AL_FORGET();
  AL_UNROLL
  for (int word = 0; word < 4; ++word) kept->address[word] = key.address[word];
  kept->ports = key.ports;
  kept->interface_index = key.interface_index;
  kept->kind = key.kind;
  AL_FORGET();
  kept->state = (verdicts ? bpf_jiffies64() << 24 : 0) | (writes & 0xff) << 16 | verdicts;
  return 0;
}
