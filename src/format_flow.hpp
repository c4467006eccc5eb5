// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "format_classify.hpp"
#include "format_reassembly.hpp"
#include "format_track.hpp"

namespace audio_latency {

// A flow whose audio is decoded here: reassembly, the decoders of its framing, the scan. At most 64 KiB of memory.
class DecodedFlow : private StreamSink {
 public:
  DecodedFlow(Framing framing, AudioScanner& scanner, ReassemblyCounters& counters);

  void push(const Payload& packet);
  void advance(EventTime now) { reassembly_.advance(now, *this, counters_); }
  bool waiting() const { return reassembly_.waiting(); }

  const DecodeStatus& status() const { return status_; }
  const AudioTracks& tracks() const { return tracks_; }
  std::uint64_t bytes() const { return bytes_; }
  // Asks for what the next push() needs. Each step wants what the one before has brought.
  static constexpr unsigned kPrefetchSteps = 3;
  void prefetch(unsigned step) const;
  // enum al_codec of the sound in its main track; AL_CODEC_UNKNOWN: no sound was found yet.
  std::uint8_t codec_of_sound() const;
  // Bytes since something that may be audio was met.
  std::uint64_t fruitless_bytes() const { return bytes_ - fruitful_at_; }

 private:
  void on_stream(ByteSpan bytes, std::uint32_t sequence, const Payload& packet) override;
  void on_gap() override { decoder_->gap(); }

  static constexpr std::size_t kDecoderFront = 384;  // bytes of a decoder that it uses for each piece

  ReassemblyCounters& counters_;
  Reassembly reassembly_;
  DecodeStatus status_;
  AudioTracks tracks_;
  std::unique_ptr<Decoder> decoder_;
  std::uint64_t bytes_ = 0;
  std::uint64_t fruitful_at_ = 0;
  std::uint64_t audio_bytes_ = 0;
};

}  // namespace audio_latency
