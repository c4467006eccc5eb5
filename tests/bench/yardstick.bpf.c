/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Yardsticks for bench_kernel: a classifier that does nothing, and the usual first attempt at following audio: a hash
 * of each packet's first bytes, loaded one by one, and an event for every packet. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 1 << 22);
} prefix_events SEC(".maps");

struct prefix_event {
  __u64 time_ns;
  __u64 hash;
  __u32 source;
  __u32 destination;
  __u16 source_port;
  __u16 destination_port;
  __u32 length;
};

#define PREFIX_BYTES 128
#define HASHED_SAMPLES 32

SEC("tc") int yardstick_noop(struct __sk_buff* skb) {
  return -1;
}

SEC("tc") int yardstick_prefix_hash(struct __sk_buff* skb) {
  __u8 ethernet[14];
  __u8 ip[20];
  __u8 udp[8];
  __u8 samples[PREFIX_BYTES] = {0};
  if (bpf_skb_load_bytes(skb, 0, ethernet, 14) < 0 || ethernet[12] != 8 || ethernet[13] != 0) return -1;
  if (bpf_skb_load_bytes(skb, 14, ip, 20) < 0 || ip[9] != 17) return -1;
  const __u32 header = (ip[0] & 15) * 4;
  if (bpf_skb_load_bytes(skb, 14 + header, udp, 8) < 0) return -1;
  const __u32 payload = 14 + header + 8;
  if (skb->len < payload + 64) return -1;
  for (int at = 0; at < PREFIX_BYTES; ++at)
    if (bpf_skb_load_bytes(skb, payload + at, &samples[at], 1) < 0) break;
  __u64 hash = 0;
  for (int at = 0; at < HASHED_SAMPLES; ++at) hash = hash * 31 + *(__u16*)&samples[2 * at];
  struct prefix_event* event = bpf_ringbuf_reserve(&prefix_events, sizeof *event, 0);
  if (!event) return -1;
  event->time_ns = bpf_ktime_get_ns();
  event->hash = hash;
  event->source = *(__u32*)&ip[12];
  event->destination = *(__u32*)&ip[16];
  event->source_port = bpf_ntohs(*(__u16*)&udp[0]);
  event->destination_port = bpf_ntohs(*(__u16*)&udp[2]);
  event->length = skb->len - payload;
  bpf_ringbuf_submit(event, 0);
  return -1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
