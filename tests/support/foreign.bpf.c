/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Somebody else's TC program: counts what it sees and ends the chain, as agents that we must live with do. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

__u64 packets = 0;

SEC("tc") int foreign(struct __sk_buff* skb) {
  __sync_fetch_and_add(&packets, 1);
  return 0; /* TC_ACT_OK: whatever runs behind it sees nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
