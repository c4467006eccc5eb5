/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Entry points. One pair for Ethernet devices, one for L3 devices (chosen by ARPHRD at attach time), each in two
 * builds: `full` scans whole payloads with bpf_loop (Linux 5.17), `bounded` the first 4 KiB (Linux 5.10).
 * Every path returns TC_ACT_UNSPEC: the packet's fate is never ours to decide. */
#include "maps.h"

#define AL_UNSPEC -1 /* TC_ACT_UNSPEC, TCX_NEXT */

#define AL_ENTRY(name)                        \
  SEC("tc") int name(struct __sk_buff* skb) { \
    return AL_UNSPEC;                         \
  }

AL_ENTRY(al_ethernet_ingress_full)
AL_ENTRY(al_ethernet_egress_full)
AL_ENTRY(al_l3_ingress_full)
AL_ENTRY(al_l3_egress_full)
AL_ENTRY(al_ethernet_ingress_bounded)
AL_ENTRY(al_ethernet_egress_bounded)
AL_ENTRY(al_l3_ingress_bounded)
AL_ENTRY(al_l3_egress_bounded)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
