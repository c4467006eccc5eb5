// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "audio_latency/payload.hpp"

namespace audio_latency {

using ByteSpan = std::span<const std::uint8_t>;

// Where on the wire the bytes of a decoded piece lie. `wire` characters make `bytes` bytes: 1:1 where the audio itself
// is on the wire, 2:1 hex, 4:3 base64 (RFC 4648).
struct Places {
  std::uint32_t first = 0;  // sequence number of the first character
  std::uint8_t wire = 1;
  std::uint8_t bytes = 1;

  // Sequence number of the character that completed byte `index`.
  std::uint32_t at(std::size_t index) const {
    const auto group = static_cast<std::uint32_t>(index / bytes);
    const auto within = static_cast<std::uint32_t>(index % bytes);
    return first + group * wire + within + (wire - bytes);
  }
  Places from(std::size_t index) const {  // `index`: a multiple of `bytes`
    return {first + static_cast<std::uint32_t>(index / bytes) * wire, wire, bytes};
  }
};

struct AudioFormat {
  al_codec codec = AL_CODEC_UNKNOWN;
  std::uint32_t rate = 0;  // Hz; 0: not said
  std::uint32_t channels = 0;
};

// Interleaved streams of one connection (HTTP/2 streams, tracks of a call) are told apart by this number.
using TrackId = std::uint64_t;

// Takes what the decoders have found. A track's bytes come in order.
class AudioSink {
 public:
  virtual ~AudioSink() = default;
  // A body, message or value begins: a file header may stand here. `said`: what the framing tells of the codec.
  virtual void begin(TrackId track, const AudioFormat& said) = 0;
  virtual void audio(TrackId track, ByteSpan bytes, const Places& places) = 0;
  virtual void gap() = 0;  // something is missing: what comes next does not continue any track
};

// Framing layers that were met, for people who ask why a flow is (not) measured.
enum FormatLayer : std::uint16_t {
  kLayerHttp = 1 << 0,
  kLayerChunked = 1 << 1,
  kLayerWebSocket = 1 << 2,
  kLayerSse = 1 << 3,
  kLayerJson = 1 << 4,
  kLayerBase64 = 1 << 5,
  kLayerHex = 1 << 6,
  kLayerHttp2 = 1 << 7,
  kLayerGrpc = 1 << 8,
  kLayerProtobuf = 1 << 9,
  kLayerAudioSocket = 1 << 10,
  kLayerWav = 1 << 11,
};

// What the decoders of one flow have to tell. `lost`: why the framing is not known at the moment; null: in step.
struct DecodeStatus {
  std::uint16_t layers = 0;
  std::uint32_t resyncs = 0;         // times that the framing was lost
  std::uint64_t skipped_bytes = 0;   // passed over while it was
  std::uint64_t deflated_bytes = 0;  // of compressed messages: can't be scanned
  const char* lost = nullptr;
};

// One layer of framing: wire bytes in order in, inner bytes or audio out. Incremental; bounded whatever comes in.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Continues what was fed before. A call's first byte is the first of a packet, or of an outer layer's piece.
  virtual void feed(ByteSpan bytes, std::uint32_t sequence) = 0;
  // A new message, event or body of the outer layer begins.
  virtual void begin() {}
  // Bytes are missing here.
  virtual void gap() = 0;
};

}  // namespace audio_latency
