/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon tells the kernel program, and what the program counts for it. */
#pragma once

#include "audio_latency/wire/types.h"

enum al_algorithm { AL_XXHASH = 0, AL_ROLLING_HASH = 1, AL_CRC32 = 2 };

/* Formats of AUDIO_PORTS. Where the two ports of a packet have different ones, the larger number is taken. */
enum al_format {
  AL_FORMAT_NONE = 0, /* the port is not watched */
  AL_FORMAT_AUTO,     /* found out by the daemon */
  AL_FORMAT_RAW,      /* bytes of an unknown codec */
  AL_FORMAT_RTP,
  AL_FORMAT_PCMU, /* from here on in the order of enum al_codec */
  AL_FORMAT_PCMA,
  AL_FORMAT_PCM16LE,
  AL_FORMAT_PCM16BE,
  AL_FORMAT_WEBSOCKET, /* from here on the daemon decodes */
  AL_FORMAT_JSON,
  AL_FORMAT_SSE,
  AL_FORMAT_HTTP,
  AL_FORMAT_AUDIOSOCKET,
  AL_FORMAT_GRPC,
  AL_FORMATS
};

/* Is the A-law domain computed? */
enum al_a_law { AL_A_LAW_OFF = 0, AL_A_LAW_WAITING = 1 /* until PCMA is seen */, AL_A_LAW_ON = 2 };

/* Constant while the program is loaded (`const volatile` in .rodata). */
struct al_settings {
  __u8 algorithm;          /* enum al_algorithm */
  __u8 window;             /* symbols: 16, 32, 64 */
  __u8 selectivity;        /* leading zero bits, 8-16 */
  __u8 decapsulate;        /* 1: look into TUNNEL_PORTS on interfaces flagged AL_INTERFACE_UPLINK */
  __u16 minimum_payload;   /* bytes; smaller payloads are not scanned */
  __u16 tunnel_ports[8];   /* UDP destination ports; unused ones 0. 6081 is Geneve, all others VXLAN */
  __u16 silence_threshold; /* peak of a window of the companded domains, 16-bit linear units */
  __u32 maximum_flows;
  __u64 budget_bytes_per_second; /* payload bytes one CPU may scan a second; 0: no limit */
  __u32 wakeup_bytes;         /* a CPU wakes the ring buffer's reader when it has written so much; 0: at each event */
  __u32 payload_wakeup_bytes; /* the same for the ring buffer of payload */
  __u32 interface_slots;      /* of the `interfaces` map: a power of two; the loader sets it */
};

/* What may change while the program runs. */
struct al_port_table {
  __u8 format[65536]; /* enum al_format by port number */
  __u8 codec[128];    /* enum al_codec by RTP payload type */
  __u8 a_law;         /* enum al_a_law; the kernel program turns WAITING into ON */
  __u8 listening;     /* 1: the daemon takes payload; 0: flows of unknown or decoded formats are scanned as raw bytes */
  __u8 reserved[6];
};

/* Per interface, given at attach time. */
enum al_interface_flag {
  AL_INTERFACE_UPLINK = 1,   /* tunnels are decapsulated here */
  AL_INTERFACE_LOOPBACK = 2, /* addresses do not tell endpoints apart: no quota per address */
};

/* Why a packet was, or was not, scanned: label `verdict` of audio_packets_total. Keep al_verdict_name() in step. The
 * ones of bulk traffic come first: their counters lie beside what al_find_interface() reads. */
enum al_verdict {
  AL_SCANNED = 0,
  AL_TOO_SMALL,
  AL_PORT,        /* no watched port */
  AL_NOT_AUDIO,   /* the daemon found that the flow has no audio that could be scanned */
  AL_FRAGMENT,    /* not the first fragment: ports unknown */
  AL_UNSUPPORTED, /* not IP, or not TCP or UDP */
  AL_MALFORMED,   /* a header that ends early or contradicts itself */
  AL_BUDGET,      /* SCAN_BUDGET_MBPS exhausted */
  AL_BUSY,        /* scratch buffer in use: re-entered on PREEMPT_RT */
  AL_DECODED,     /* the payload goes to the daemon, which decodes it */
  AL_VERDICTS
};

enum al_refusal {
  AL_REFUSED_SILENCE = 0,
  AL_REFUSED_FEW_SYMBOLS,
  AL_REFUSED_SHORT_PAYLOAD, /* payload domain: below AL_PAYLOAD_MIN */
  AL_REFUSED_LONG_PAYLOAD,  /* payload domain: above AL_PAYLOAD_MAX */
  AL_REFUSALS
};

/* Things that happened to a scan: label `reason` of audio_events_lost_total (first) or audio_processing_errors_total.
 */
enum al_loss {
  AL_LOST_RING_FULL = 0,
  AL_LOST_PAYLOAD_RING_FULL,
  AL_LOST_SAMPLE_BUDGET, /* too many new flows at once: the first bytes of one were not looked at */
  AL_LOSSES
};
enum al_trouble {
  AL_TROUBLE_FLOW_TABLE_FULL = 0, /* flow scanned without carry */
  AL_TROUBLE_FLOW_QUOTA,          /* one sender holds a tenth of the flow table: scanned without carry */
  AL_TROUBLE_FLOW_BUSY,           /* two CPUs had packets of one flow: run broken, never mis-hashed */
  AL_TROUBLE_TRUNCATED,           /* payload longer than this kernel lets us scan: the rest was passed over */
  AL_TROUBLE_LOAD_FAILED,         /* bpf_skb_load_bytes refused */
  AL_TROUBLES
};

struct al_counters {
  __u64 packets[AL_VERDICTS];
  __u64 scanned_bytes;
  __u64 refused[AL_REFUSALS];
  __u64 emitted;  /* events handed to the ring buffer: received + lost */
  __u64 payloads; /* records handed to the ring buffer of payload: received + lost */
  __u64 lost[AL_LOSSES];
  __u64 trouble[AL_TROUBLES];
};

/* The `interfaces` map is a per-CPU array that the daemon fills as a hash table with open addressing before it
 * attaches: a look-up is an index, where a hash map's costs as much as scanning sixty bytes. */
#define AL_INTERFACE_SLOTS 4096 /* at most: each CPU has them all */
#define AL_INTERFACE_PROBES 16  /* slots in which an entry may lie */
struct al_interface {
  __u32 index;     /* of the device; 0: nobody's slot */
  __u32 direction; /* enum al_direction */
  __u64 flags;     /* enum al_interface_flag */
  struct al_counters counters;
};

/* Both directions of a device lie side by side; devices mostly have numbers in a row. */
AL_INLINE __u32 al_interface_slot(__u32 index, __u32 direction, __u32 probe, __u32 slots) {
  return ((index + probe) * 2 + direction) & (slots - 1);
}
