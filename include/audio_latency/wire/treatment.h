/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the daemon decided about a flow, and the kernel program does with its packets. */
#pragma once

#include "audio_latency/wire/settings.h"

enum al_handling {
  AL_SAMPLE = 0, /* nothing known yet: scanned as raw bytes, and the first payload bytes go to the daemon */
  AL_SCAN = 1,   /* the kernel finds the audio itself: framing and codec say how */
  AL_DECODE = 2, /* the payload goes to the daemon, which decodes and scans it; the kernel scans nothing */
  AL_IGNORE = 3, /* not audio, or not scannable */
};

enum al_framing {
  AL_FRAMING_RAW = 0, /* the L4 payload is the audio */
  AL_FRAMING_RTP = 1, /* RFC 3550 */
};

enum al_codec {
  AL_CODEC_UNKNOWN = 0, /* verbatim domain only */
  AL_CODEC_PCMU = 1,    /* ITU-T G.711 */
  AL_CODEC_PCMA = 2,
  AL_CODEC_PCM16LE = 3,
  AL_CODEC_PCM16BE = 4,
  AL_CODEC_COMPRESSED = 5, /* relayed unchanged or not at all: a signature for each RTP payload */
};

struct al_treatment {
  __u8 handling; /* enum al_handling */
  __u8 framing;  /* enum al_framing */
  __u8 codec;    /* enum al_codec; AL_DECODE: of the sound that was found, AL_CODEC_UNKNOWN until then */
  __u8 phase;    /* 16-bit samples over TCP: lowest bit of the sequence number at which one starts */
};

/* How flows of a port with a declared format are handled; of `auto`, until the daemon has decided. */
AL_INLINE struct al_treatment al_treatment_of(__u32 format) {
  struct al_treatment treatment = {AL_SCAN, AL_FRAMING_RAW, AL_CODEC_UNKNOWN, 0};
  if (format == AL_FORMAT_AUTO) treatment.handling = AL_SAMPLE;
  if (format == AL_FORMAT_RTP) treatment.framing = AL_FRAMING_RTP;
  if (format > AL_FORMAT_RTP && format < AL_FORMAT_WEBSOCKET) treatment.codec = (__u8)(format - AL_FORMAT_RTP);
  if (format >= AL_FORMAT_WEBSOCKET) treatment.handling = AL_DECODE;
  return treatment;
}
AL_STATIC_ASSERT(AL_FORMAT_PCMU - AL_FORMAT_RTP == AL_CODEC_PCMU &&
                     AL_FORMAT_PCM16BE - AL_FORMAT_RTP == AL_CODEC_PCM16BE,
                 "al_treatment_of() counts on it");
