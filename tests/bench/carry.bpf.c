/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For bench_kernel: BPF_PROG_TEST_RUN repeats one packet, but a run goes on only with the next sequence number. So
 * these number the packets themselves: the product's program behind that, and the numbering alone, to be subtracted. */
#include "audio_latency.bpf.c"

#define RTP_SEQUENCE_AT (14 + 20 + 8 + 2)

__u16 bench_sequence;

AL_INLINE void number_packet(struct __sk_buff* skb) {
  const __u16 sequence = __builtin_bswap16(++bench_sequence);
  bpf_skb_store_bytes(skb, RTP_SEQUENCE_AT, &sequence, sizeof sequence, 0);
}

SEC("tc") int bench_numbering(struct __sk_buff* skb) {
  number_packet(skb);
  return AL_UNSPEC;
}

SEC("tc") int bench_numbered(struct __sk_buff* skb) {
  number_packet(skb);
  return al_handle(skb, 1, AL_INGRESS, 1);
}
