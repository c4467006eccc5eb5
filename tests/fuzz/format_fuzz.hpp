// SPDX-License-Identifier: Apache-2.0
// What the fuzzers of the decoders share: input bytes in pieces of any size, with gaps, into one decoder.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "format_layer.hpp"

namespace audio_latency::fuzz {

// Counts what comes out; more audio than there was input would be invented.
struct Sink : AudioSink {
  std::uint64_t bytes = 0;
  void begin(TrackId, const AudioFormat&) override {}
  void audio(TrackId, ByteSpan piece, const Places& places) override {
    bytes += piece.size();
    if (piece.empty() || places.bytes == 0 || places.wire < places.bytes) std::abort();
  }
  void gap() override {}
};

// Byte 0 of the input: the size of the pieces, and whether there are gaps between some of them.
template <typename Make>
int decode(const std::uint8_t* data, std::size_t size, Make make) {
  if (size < 1) return 0;
  Sink sink;
  DecodeStatus status;
  auto decoder = make(sink, status);
  const std::size_t piece = 1 + (data[0] & 0x3f) * 7;
  const bool gaps = (data[0] & 0x40) != 0;
  const ByteSpan bytes(data + 1, size - 1);
  std::uint32_t number = 0;
  for (std::size_t at = 0; at < bytes.size(); at += piece, ++number) {
    if (gaps && number % 5 == 4) {
      decoder.gap();
      continue;
    }
    decoder.feed(bytes.subspan(at, std::min(piece, bytes.size() - at)), 0xffffff00U + static_cast<std::uint32_t>(at));
  }
  if (sink.bytes > bytes.size() || status.skipped_bytes > 2 * bytes.size()) std::abort();
  return 0;
}

}  // namespace audio_latency::fuzz
