/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The event that the kernel program writes to the ring buffer: one selected window of one packet. */
#pragma once

#include "audio_latency/wire/types.h"

enum al_domain { AL_DOMAIN_VERBATIM = 1, AL_DOMAIN_MU_LAW = 2, AL_DOMAIN_A_LAW = 3, AL_DOMAIN_PAYLOAD = 4 };

enum al_direction { AL_INGRESS = 0, AL_EGRESS = 1 };

/* How a packet is recognised as the same packet (matching.md, "Same packet or not"). */
enum al_identity {
  AL_IDENTITY_TCP = 1, /* stream_id: sequence number of the window's last byte */
  AL_IDENTITY_RTP = 2, /* stream_id: SSRC; rtp_sequence, rtp_timestamp, offset */
  AL_IDENTITY_UDP = 3, /* stream_id: 32-bit hash of the payload; ip_id (IPv6: flow_label), payload_length, offset */
};

/* Byte order of every field is the host's, addresses excepted: those are as on the wire, IPv4 as ::ffff:a.b.c.d. */
struct al_event {
  __u64 time_ns; /* CLOCK_MONOTONIC when the packet that carries the window's last byte passed */
  __u64 signature;
  __u8 source_address[16];
  __u8 destination_address[16];
  __u16 source_port;
  __u16 destination_port;
  __u32 interface_index;
  __u32 offset; /* of the window's last byte in the L4 payload (companded domains: sample in the payload) */
  __u32 payload_length;
  __u32 stream_id;
  __u32 rtp_timestamp;
  __u32 flow_label; /* IPv6 */
  __u16 rtp_sequence;
  __u16 ip_id;   /* IPv4 */
  __u8 ttl;      /* or IPv6 hop limit */
  __u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
  __u8 domain;
  __u8 direction;
  __u8 identity;
  __u8 leading_zeros;  /* of the rolling hash: what k this position would survive */
  __u16 peak;          /* largest |linear sample| in the window, companded domains only; else 0 */
  __u8 zero_crossings; /* in the window, companded domains only; else 0 */
  __u8 tunnelled;      /* 1: inner packet of VXLAN or Geneve */
  __u16 reserved;
};
AL_STATIC_ASSERT(sizeof(struct al_event) == 96, "al_event has no padding and a fixed size");
