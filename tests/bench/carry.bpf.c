/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For bench_kernel: BPF_PROG_TEST_RUN repeats one packet, but a run goes on only with the next sequence number. So
 * these number the packets themselves, of one flow, or of BENCH_FLOWS in turn: the product's program behind that, and
 * the numbering alone, to be subtracted. */
#include "audio_latency.bpf.c"

#define UDP_AT (14 + 20)
#define RTP_SEQUENCE_AT (UDP_AT + 8 + 2)
#define BENCH_FLOWS 1000
#define BENCH_PORT 10000 /* source port of the first */

__u16 bench_sequence;
__u16 bench_flow;
__u16 bench_flow_sequence;

AL_INLINE void number_packet(struct __sk_buff* skb) {
  const __u16 sequence = __builtin_bswap16(++bench_sequence);
  bpf_skb_store_bytes(skb, RTP_SEQUENCE_AT, &sequence, sizeof sequence, 0);
}

AL_INLINE void number_packet_and_flow(struct __sk_buff* skb) {
  const __u16 flow = bench_flow + 1 < BENCH_FLOWS ? bench_flow + 1 : 0;
  const __u16 port = __builtin_bswap16(BENCH_PORT + flow);
  bench_flow = flow;
  if (flow == 0) bench_flow_sequence++;
  const __u16 sequence = __builtin_bswap16(bench_flow_sequence);
  bpf_skb_store_bytes(skb, UDP_AT, &port, sizeof port, 0);
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

SEC("tc") int bench_flows(struct __sk_buff* skb) {
  number_packet_and_flow(skb);
  return AL_UNSPEC;
}

SEC("tc") int bench_numbered_flows(struct __sk_buff* skb) {
  number_packet_and_flow(skb);
  return al_handle(skb, 1, AL_INGRESS, 1);
}
