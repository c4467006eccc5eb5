/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The record that carries payload to the daemon: this header, then `bytes` bytes. */
#pragma once

#include "audio_latency/wire/event.h"

#define AL_PAYLOAD_CHUNK                                                                                             \
  4096                        /* bytes in a record: a longer TCP payload takes several, of a datagram only the first \
                               */
#define AL_PAYLOAD_RECORDS 48 /* for 192 KiB */
#define AL_SAMPLE_BYTES 8192U /* of a flow that is not known yet: looked at before it is scanned on as it is */
#define AL_SAMPLE_AGAIN_NS 2000000000LL    /* then once more, while nothing was decided */
#define AL_DOUBT_AGAIN_NS 30000000000LL    /* a flow without audio is looked at again */
#define AL_SILENCE_NS 5000000000LL         /* a flow that paused so long is looked at again */
#define AL_SAMPLE_BYTES_PER_SECOND 2000000 /* of one CPU */

struct al_payload {
  struct al_event packet; /* signature and domain 0; offset: of bytes[0] in the L4 payload; TCP: stream_id likewise */
  __u32 bytes;            /* in this record */
  __u32 length;           /* on the wire up to the next record, or to the payload's end: at least `bytes` */
};
AL_STATIC_ASSERT(sizeof(struct al_payload) == 104, "al_payload has no padding and a fixed size");
