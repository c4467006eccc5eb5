// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "format_json.hpp"
#include "format_sse.hpp"

namespace audio_latency {

enum class BodyKind : std::uint8_t { undecided, audio, json, sse, skipped };

// What a Content-Type (RFC 9110, 8.3) says; undecided where it says nothing of use here.
struct BodyType {
  BodyKind kind = BodyKind::undecided;
  AudioFormat format;
};
BodyType body_type(std::string_view content_type);

// The body of an HTTP message, cut into pieces by whatever lies below: audio itself, events, or JSON.
class BodyDecoder : public Decoder {
 public:
  BodyDecoder(AudioSink& audio, DecodeStatus& status, TrackId track = 0)
      : audio_(audio), status_(status), track_(track) {}

  void begin_body(const BodyType& said);
  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void gap() override;

 private:
  static constexpr std::size_t kFront = 8;  // bytes that decide

  void become(BodyKind kind);
  void pass(ByteSpan bytes, std::uint32_t sequence);

  AudioSink& audio_;
  DecodeStatus& status_;
  TrackId track_;
  BodyType type_;
  std::unique_ptr<Decoder> inner_;
  BodyKind inner_kind_ = BodyKind::undecided;
  Front<kFront> front_;
};

}  // namespace audio_latency
