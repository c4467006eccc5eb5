// SPDX-License-Identifier: Apache-2.0
#include "format_flow.hpp"

#include "format_audiosocket.hpp"
#include "format_http.hpp"
#include "format_http2.hpp"
#include "format_json.hpp"
#include "format_sse.hpp"
#include "format_websocket.hpp"

namespace audio_latency {
namespace {

// Declared or found: the first bytes are rarely the first of a message, and each decoder looks for its own feet.
std::unique_ptr<Decoder> make_decoder(Framing framing, AudioSink& audio, DecodeStatus& status) {
  switch (framing) {
    case Framing::sse:
      return std::make_unique<SseDecoder>(audio, status);
    case Framing::json:
      return std::make_unique<JsonDecoder>(audio, status);
    case Framing::audiosocket:
      return std::make_unique<AudioSocketDecoder>(audio, status);
    case Framing::http2:
      return std::make_unique<Http2Decoder>(audio, status);
    case Framing::websocket:
      return std::make_unique<WebSocketDecoder>(audio, status, false);
    default:
      return std::make_unique<HttpDecoder>(audio, status);
  }
}

}  // namespace

DecodedFlow::DecodedFlow(Framing framing, AudioScanner& scanner, ReassemblyCounters& counters)
    : counters_(counters), tracks_(scanner, status_), decoder_(make_decoder(framing, tracks_, status_)) {}

void DecodedFlow::prefetch(unsigned step) const {
  if (step == 0) audio_latency::prefetch(this);
  if (step == 1) {
    const char* const decoder = reinterpret_cast<const char*>(decoder_.get());
    audio_latency::prefetch(decoder, decoder + kDecoderFront);
    tracks_.prefetch_entries();
  }
  if (step == 2) tracks_.prefetch_track();
}

void DecodedFlow::push(const Payload& packet) {
  if (packet.flow.protocol == 6) {
    reassembly_.push(packet, *this, counters_);
  } else {
    on_stream(packet.bytes, 0, packet);
  }
}

std::uint8_t DecodedFlow::codec_of_sound() const {
  const AudioTrack* main = tracks_.main();
  if (main == nullptr) return AL_CODEC_UNKNOWN;
  if (main->content() == AudioTrack::Content::compressed) return AL_CODEC_COMPRESSED;
  if (main->content() == AudioTrack::Content::audio) return main->format().codec;
  return AL_CODEC_UNKNOWN;
}

void DecodedFlow::on_stream(ByteSpan bytes, std::uint32_t sequence, const Payload& packet) {
  bytes_ += bytes.size();
  tracks_.set_packet(&packet);
  decoder_->feed(bytes, sequence);
  tracks_.set_packet(nullptr);
  const AudioTrack* main = tracks_.main();
  if (tracks_.bytes() == audio_bytes_ || main == nullptr) return;
  audio_bytes_ = tracks_.bytes();
  if (main->content() != AudioTrack::Content::not_audio) fruitful_at_ = bytes_;
}

}  // namespace audio_latency
