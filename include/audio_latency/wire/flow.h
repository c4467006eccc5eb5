/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is kept of a flow between its packets: the run (so that windows span packets) and its selectivity.
 *
 * Continuity is decided by sequence numbers alone, and a run is always stored as a whole (hash, symbols, bytes, next
 * sequence number together): whichever CPU wrote last, what it wrote is right for a packet that continues it, and no
 * other packet uses it. */
#pragma once

#include <linux/bpf.h>

#include "audio_latency/wire/payload.h"
#include "audio_latency/wire/rtp.h"
#include "audio_latency/wire/scan.h"
#include "audio_latency/wire/treatment.h"

#define AL_TAIL_SHORT 72  /* a window and AL_LAG, in whole words */
#define AL_TAIL_BYTES 136 /* a window of 16-bit samples and half a sample */

/* A flow at a capture point. No padding: it is hashed as bytes. */
struct al_flow_key {
  __u8 source[16]; /* IPv4 as ::ffff:a.b.c.d */
  __u8 destination[16];
  __u16 source_port; /* host byte order */
  __u16 destination_port;
  __u32 interface_index;
  __u8 protocol;
  __u8 direction; /* enum al_direction */
  __u8 tunnelled;
  __u8 reserved;
};
AL_STATIC_ASSERT(sizeof(struct al_flow_key) == 44, "al_flow_key has no padding");

/* Who pays for a table entry: an address, or the pod behind an interface, which can forge addresses. */
struct al_sender_key {
  __u8 address[16];      /* all 0 where the interface tells the sender */
  __u32 interface_index; /* 0 where the address tells it */
};

/* What a packet continues: the hash of each domain, and the bytes that the next windows begin with. */
struct al_run {
  __u64 hash;         /* verbatim */
  __u64 companded[2]; /* mu-law, A-law */
  __u32 next;         /* TCP: sequence number of the byte after the last one. RTP: sequence number of the next packet */
  __u32 stream_id;    /* RTP: SSRC */
  __u32 bytes;        /* in this run, up to AL_RUN_BYTES; 0: no run */
  __u8 codes[2];      /* symbols of the companded domains in this run, up to AL_WINDOW_MAX; 0: no run */
  __u8 codec;         /* enum al_codec of those */
  __u8 reserved;
  __u8 tail[AL_TAIL_BYTES]; /* the last bytes, the newest at the end; without 16-bit samples only AL_TAIL_SHORT */
};
#define AL_RUN_BYTES AL_TAIL_BYTES

/* Selectivity of a flow: raised and lowered by how much its content selects, averaged over a second or longer. */
struct al_rate {
  __u64 since_ns;    /* 0: not in use yet */
  __u32 selected;    /* windows at the k in force since then */
  __u32 selectivity; /* the k in force */
};
#define AL_RATE_NS 1000000000ULL
#define AL_RATE_HIGH 64 /* windows a second */
#define AL_RATE_LOW 24

struct al_flow {
  __u64 last_seen_ns; /* to a tick of the kernel's clock, as examined_ns */
  struct al_rate rate;
  struct al_rate payload_rate; /* of the payload domain */
  __u64 examined_ns;           /* when the daemon was last shown, or told, what the flow carries */
  __u32 sample_left;           /* bytes that it is still to be shown */
  struct al_treatment treatment;
  __u8 format;       /* of its port when the treatment was made from it */
  __u8 payload_type; /* RTP: of the last packet */
  __u16 reserved;
  struct al_run run;
  struct al_sender_key sender; /* whose quota this entry counts against; all 0: nobody's (loopback) */
  __u32 version;               /* of run: raised by each writer */
};

/* Value of the `flows` map. The daemon deletes entries whose last_seen_ns is older than FLOW_TIMEOUT_MS, and then
 * writes into `senders` how many entries of each sender it has counted: the kernel only counts up. */
struct al_flow_slot {
  struct bpf_spin_lock lock;
  __u32 reserved;
  struct al_flow flow;
};

/* Brings the selectivity up to date at `now`; returns the k in force for the packet at hand. */
AL_INLINE __u32 al_rate_update(struct al_rate* rate, __u64 now_ns, __u32 configured) {
  const __u64 elapsed = now_ns - rate->since_ns;
  if (rate->since_ns == 0) {
    rate->selectivity = configured;
    rate->since_ns = now_ns;
    rate->selected = 0;
  } else if ((__s64)elapsed >= (__s64)AL_RATE_NS) {
    const __u64 scaled = rate->selected * AL_RATE_NS; /* rate > limit, without a division */
    if (scaled > AL_RATE_HIGH * elapsed && rate->selectivity < AL_SELECTIVITY_MAX) rate->selectivity++;
    if (scaled < AL_RATE_LOW * elapsed && rate->selectivity > configured) rate->selectivity--;
    rate->since_ns = now_ns;
    rate->selected = 0;
  }
  return rate->selectivity;
}

/* How a packet lies to the run of its flow. */
enum al_continuity {
  AL_RUN_CONTINUES, /* from byte *skip on */
  AL_RUN_BEGINS,    /* a gap, another stream, or nothing before: a new run */
  AL_RUN_LATE,      /* retransmitted or out of order: scanned on its own, the run stays as it is */
};
#define AL_LATE_BYTES (4U << 20) /* TCP; further back it is taken for a new connection */
#define AL_LATE_PACKETS 100      /* RTP: MAX_MISORDER of RFC 3550 A.1 */

AL_INLINE enum al_continuity al_continuity_tcp(const struct al_run* run, __u32 sequence, __u32 length, __u32* skip) {
  const __u32 behind = run->next - sequence;
  *skip = 0;
  if (run->bytes == 0) return AL_RUN_BEGINS;
  if (behind == 0) return AL_RUN_CONTINUES;
  if (behind > AL_LATE_BYTES) return AL_RUN_BEGINS;
  if (behind >= length) return AL_RUN_LATE;
  *skip = behind; /* overlaps what was seen */
  return AL_RUN_CONTINUES;
}

AL_INLINE enum al_continuity al_continuity_rtp(const struct al_run* run, __u32 ssrc, __u16 sequence) {
  const __u16 behind = (__u16)(run->next - sequence);
  if (run->bytes == 0 || run->stream_id != ssrc) return AL_RUN_BEGINS;
  if (behind == 0) return AL_RUN_CONTINUES;
  return behind <= AL_LATE_PACKETS ? AL_RUN_LATE : AL_RUN_BEGINS;
}

/* The treatment of a new flow, whose port has this format, or of one that begins anew. */
AL_INLINE void al_begin_treatment(struct al_flow* flow, __u32 format, __u64 now_ns) {
  flow->treatment = al_treatment_of(format);
  flow->format = (__u8)format;
  flow->examined_ns = now_ns;
  flow->sample_left = flow->treatment.handling == AL_SAMPLE ? AL_SAMPLE_BYTES : 0;
}

/* A packet of a flow that the daemon decides on: where a connection begins, the flow paused, or it was not understood
 * for a while, it is shown to the daemon again. Before last_seen_ns is brought up to date. */
AL_INLINE void al_reconsider(struct al_flow* flow, __u32 format, int syn, __u64 now_ns) {
  const __u8 handling = flow->treatment.handling;
  const __s64 since = (__s64)(now_ns - flow->examined_ns); /* below 0: another CPU's tick is ahead */
  const int paused = (__s64)(now_ns - flow->last_seen_ns) > AL_SILENCE_NS;
  if (syn || flow->format != format || (handling == AL_IGNORE && (paused || since > AL_DOUBT_AGAIN_NS))) {
    al_begin_treatment(flow, format, now_ns);
  } else if ((paused || handling == AL_SAMPLE) && since > AL_SAMPLE_AGAIN_NS && format == AL_FORMAT_AUTO) {
    flow->examined_ns = now_ns;
    flow->sample_left = AL_SAMPLE_BYTES;
  }
}

/* Another stream, or another payload type, in a flow that was found to be RTP. Before its run goes on. */
AL_INLINE void al_reconsider_rtp(struct al_flow* flow, const struct al_rtp* rtp, __u64 now_ns) {
  const int other =
      flow->run.bytes != 0 && (flow->run.stream_id != rtp->ssrc || flow->payload_type != rtp->payload_type);
  flow->payload_type = rtp->payload_type;
  if (!other || flow->format != AL_FORMAT_AUTO || (__s64)(now_ns - flow->examined_ns) < AL_SAMPLE_AGAIN_NS) return;
  flow->examined_ns = now_ns;
  flow->sample_left = AL_SAMPLE_BYTES;
}

/* Of a packet's payload, the bytes that the daemon is still to be shown. */
AL_INLINE __u32 al_take_sample(struct al_flow* flow, __u32 payload_length) {
  const __u32 left = flow->sample_left;
  const __u32 bytes = left < payload_length ? left : payload_length;
  flow->sample_left = left - bytes;
  return bytes;
}

/* Is the treatment of flows of such a port the daemon's? Everything else goes by al_treatment_of(). */
AL_INLINE int al_is_managed(const struct al_port_table* table, __u32 format) {
  return table->listening && (format == AL_FORMAT_AUTO || format >= AL_FORMAT_WEBSOCKET);
}
