/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the first bytes of a packet to its flow and the place of its payload. Plain buffer in, so that the kernel
 * program and the daemon share it. Bytes of the buffer beyond `available` may be anything but must be readable. */
#pragma once

#include "audio_latency/wire/flow.h"
#include "audio_latency/wire/settings.h"

#define AL_HEADER_BYTES 512 /* headers must end within these */
#define AL_HEADER_SLACK 64  /* readable bytes behind them: one header more than was checked */
#define AL_VLAN_TAGS 2
#define AL_EXTENSION_HEADERS 6
#define AL_GENEVE_PORT 6081

/* A cursor while headers are parsed; then the packet's flow, and where its payload lies. */
struct al_packet {
  struct al_flow_key flow; /* interface_index and direction are the caller's */
  __u32 length;            /* of the packet on the wire */
  __u32 available;         /* bytes in the buffer, at most AL_HEADER_BYTES */
  __u32 offset;            /* of the next header; in the end of the payload */
  __u32 end;               /* where the current layer ends by its own length field */
  __u32 sequence;          /* TCP: of the first payload byte */
  __u32 flow_label;        /* IPv6 */
  __u16 ip_id;             /* IPv4, or 0 */
  __u8 ttl;
  __u8 first_fragment; /* 1: more fragments follow, with payload that no header tells about */
  __u8 syn;            /* TCP: a connection begins */
};

/* The next `size` bytes (a constant of at most AL_HEADER_SLACK), or nothing where the packet ends before. */
AL_INLINE const __u8* al_header(const struct al_packet* packet, const __u8* bytes, __u32 size) {
  const __u32 offset = packet->offset;
  if (offset > AL_HEADER_BYTES || offset + size > packet->available) return 0;
  return bytes + offset;
}

AL_INLINE enum al_verdict al_parse_ethernet(struct al_packet* packet, const __u8* bytes, __u16* type) {
  const __u8* header = al_header(packet, bytes, 14);
  if (!header) return AL_MALFORMED;
  *type = al_be16(header + 12);
  packet->offset += 14;
  AL_UNROLL
  for (int tag = 0; tag < AL_VLAN_TAGS; ++tag) {
    if (*type != 0x8100 && *type != 0x88a8) break; /* IEEE 802.1Q, 802.1ad; an offloaded tag is not in the data */
    header = al_header(packet, bytes, 4);
    if (!header) return AL_MALFORMED;
    *type = al_be16(header + 2);
    packet->offset += 4;
  }
  AL_FORGET();
  return AL_SCANNED;
}

/* An L3 device has no header that tells the version. */
AL_INLINE enum al_verdict al_guess_type(struct al_packet* packet, const __u8* bytes, __u16* type) {
  const __u8* header = al_header(packet, bytes, 1);
  if (!header) return AL_MALFORMED;
  const __u8 version = header[0] >> 4;
  *type = version == 4 ? 0x0800 : version == 6 ? 0x86dd : 0;
  return AL_SCANNED;
}

AL_INLINE void al_map_ipv4(__u8* address, const __u8* wire) {
  __u64 mapped = (__u64)al_load32(wire) << 32 | 0xffff0000ULL; /* RFC 4291, 2.5.5.2 */
  al_store64(address, 0ULL);
  al_store64(address + 8, mapped);
}

AL_INLINE enum al_verdict al_parse_ipv4(struct al_packet* packet, const __u8* bytes) {
  const __u8* header = al_header(packet, bytes, 20);
  if (!header) return AL_MALFORMED;
  const __u32 header_length = (header[0] & 15U) * 4;
  __u32 total = al_be16(header + 2);
  if (total == 0) total = packet->end - packet->offset; /* BIG TCP */
  if (header[0] >> 4 != 4 || header_length < 20 || total < header_length || packet->offset + total > packet->end)
    return AL_MALFORMED;
  const __u16 fragment = al_be16(header + 6);
  if ((fragment & 0x1fff) != 0) return AL_FRAGMENT;
  packet->first_fragment = (fragment >> 13) & 1;
  packet->ip_id = al_be16(header + 4);
  packet->flow_label = 0;
  packet->ttl = header[8];
  packet->flow.protocol = header[9];
  al_map_ipv4(packet->flow.source, header + 12);
  al_map_ipv4(packet->flow.destination, header + 16);
  packet->end = packet->offset + total;
  packet->offset += header_length;
  AL_FORGET();
  return AL_SCANNED;
}

/* One extension header of `protocol`; AL_SCANNED with *done set: it is none. */
AL_INLINE enum al_verdict al_parse_extension(struct al_packet* packet, const __u8* bytes, int* done) {
  const __u8 protocol = packet->flow.protocol;
  const int fragment = protocol == 44;
  const int authentication = protocol == 51;
  if (!fragment && !authentication && protocol != 0 && protocol != 43 && protocol != 60 && protocol != 135) {
    *done = 1;
    return AL_SCANNED;
  }
  const __u8* header = al_header(packet, bytes, 8);
  if (!header) return AL_MALFORMED;
  if (fragment && (al_be16(header + 2) & 0xfff8) != 0) return AL_FRAGMENT;
  if (fragment) packet->first_fragment = header[3] & 1;
  packet->flow.protocol = header[0];
  packet->offset += fragment ? 8U : authentication ? (header[1] + 2U) * 4 : (header[1] + 1U) * 8;
  AL_FORGET();
  return AL_SCANNED;
}

AL_INLINE enum al_verdict al_parse_ipv6(struct al_packet* packet, const __u8* bytes) {
  const __u8* header = al_header(packet, bytes, 40);
  if (!header) return AL_MALFORMED;
  __u32 length = al_be16(header + 4);
  if (length == 0) length = packet->end - packet->offset - 40; /* BIG TCP */
  if (header[0] >> 4 != 6 || packet->offset + 40 + length > packet->end) return AL_MALFORMED;
  packet->first_fragment = 0;
  packet->ip_id = 0;
  packet->flow_label = al_be32(header) & 0xfffff;
  packet->ttl = header[7];
  packet->flow.protocol = header[6];
  al_store64(packet->flow.source, al_load64(header + 8));
  al_store64(packet->flow.source + 8, al_load64(header + 16));
  al_store64(packet->flow.destination, al_load64(header + 24));
  al_store64(packet->flow.destination + 8, al_load64(header + 32));
  packet->offset += 40;
  packet->end = packet->offset + length;
  AL_FORGET();
  int done = 0;
  AL_UNROLL
  for (int count = 0; count < AL_EXTENSION_HEADERS; ++count) {
    const enum al_verdict verdict = al_parse_extension(packet, bytes, &done);
    if (verdict != AL_SCANNED) return verdict;
    if (done) break;
  }
  return AL_SCANNED;
}

AL_INLINE enum al_verdict al_parse_udp(struct al_packet* packet, const __u8* bytes) {
  const __u8* header = al_header(packet, bytes, 8);
  if (!header || packet->offset + 8 > packet->end) return AL_MALFORMED;
  packet->flow.source_port = al_be16(header);
  packet->flow.destination_port = al_be16(header + 2);
  const __u32 length = al_be16(header + 4);
  const __u32 room = packet->end - packet->offset;
  if (length != 0 && !(packet->first_fragment && length > room)) { /* 0: longer than 65,535 bytes */
    if (length < 8 || length > room) return AL_MALFORMED;
    packet->end = packet->offset + length;
  }
  packet->offset += 8;
  packet->sequence = 0;
  packet->syn = 0;
  AL_FORGET();
  return AL_SCANNED;
}

AL_INLINE enum al_verdict al_parse_tcp(struct al_packet* packet, const __u8* bytes) {
  const __u8* header = al_header(packet, bytes, 20);
  if (!header) return AL_MALFORMED;
  const __u32 header_length = (header[12] >> 4) * 4U;
  if (header_length < 20 || packet->offset + header_length > packet->end) return AL_MALFORMED;
  packet->flow.source_port = al_be16(header);
  packet->flow.destination_port = al_be16(header + 2);
  packet->syn = (header[13] >> 1) & 1;
  packet->sequence = al_be32(header + 4) + packet->syn; /* SYN takes a number */
  packet->offset += header_length;
  AL_FORGET();
  return AL_SCANNED;
}

AL_INLINE enum al_verdict al_parse_ip(struct al_packet* packet, const __u8* bytes, __u16 type) {
  enum al_verdict verdict = AL_UNSUPPORTED;
  if (type == 0x0800) verdict = al_parse_ipv4(packet, bytes);
  if (type == 0x86dd) verdict = al_parse_ipv6(packet, bytes);
  if (verdict != AL_SCANNED) return verdict;
  if (packet->flow.protocol == 17) return al_parse_udp(packet, bytes);
  if (packet->flow.protocol == 6) return al_parse_tcp(packet, bytes);
  return AL_UNSUPPORTED;
}

AL_INLINE int al_is_tunnel(const struct al_packet* packet, const volatile struct al_settings* settings) {
  if (packet->flow.protocol != 17) return 0;
  int found = 0;
  AL_UNROLL
  for (int at = 0; at < 8; ++at) found |= settings->tunnel_ports[at] == packet->flow.destination_port;
  return found && packet->flow.destination_port != 0;
}

/* Moves into the inner packet of VXLAN (RFC 7348) or Geneve (RFC 8926). AL_SCANNED with *type 0: it is neither. */
AL_INLINE enum al_verdict al_enter_tunnel(struct al_packet* packet, const __u8* bytes, __u16* type) {
  const __u8* header = al_header(packet, bytes, 8);
  *type = 0;
  if (!header || packet->offset + 8 > packet->end) return AL_SCANNED;
  if (packet->flow.destination_port == AL_GENEVE_PORT) {
    if (header[0] >> 6 != 0) return AL_SCANNED; /* version */
    const __u16 inner = al_be16(header + 2);
    if (inner != 0x6558 && inner != 0x0800 && inner != 0x86dd) return AL_SCANNED;
    packet->offset += 8 + (header[0] & 63U) * 4;
    AL_FORGET();
    packet->flow.tunnelled = 1;
    *type = inner;
    return inner == 0x6558 ? al_parse_ethernet(packet, bytes, type) : AL_SCANNED;
  }
  if ((header[0] & 8) == 0) return AL_SCANNED; /* no valid VNI */
  packet->offset += 8;
  packet->flow.tunnelled = 1;
  return al_parse_ethernet(packet, bytes, type);
}

/* The whole packet. `length` and `available` are set, everything else is written here. AL_SCANNED: a TCP or UDP payload
 * of packet->end - packet->offset bytes lies at packet->offset, which may be behind the buffer. */
AL_INLINE enum al_verdict al_parse(struct al_packet* packet, const __u8* bytes, int ethernet, int uplink,
                                   const volatile struct al_settings* settings) {
  __u16 type = 0;
  packet->offset = 0;
  packet->end = packet->length;
  packet->flow.tunnelled = 0;
  packet->flow.reserved = 0;
  enum al_verdict verdict = ethernet ? al_parse_ethernet(packet, bytes, &type) : al_guess_type(packet, bytes, &type);
  if (verdict != AL_SCANNED) return verdict;
  verdict = al_parse_ip(packet, bytes, type);
  if (verdict != AL_SCANNED || !uplink || !settings->decapsulate || !al_is_tunnel(packet, settings)) return verdict;
  verdict = al_enter_tunnel(packet, bytes, &type);
  if (verdict != AL_SCANNED || !packet->flow.tunnelled) return verdict;
  return al_parse_ip(packet, bytes, type);
}
