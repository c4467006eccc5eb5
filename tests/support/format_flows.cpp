// SPDX-License-Identifier: Apache-2.0
#include "support/format_flows.hpp"

#include <algorithm>
#include <random>

#include "audio_latency/wire/g711.h"
#include "support/format_flow_parts.hpp"

namespace audio_latency::test {
namespace {

using scenario::Samples;

LabelledFlow raw(const std::string& name, std::uint8_t protocol, al_codec codec, const Bytes& audio, unsigned seed) {
  std::mt19937 random(seed);
  LabelledFlow flow{name, true, codec, "", protocol, static_cast<std::uint32_t>(random()), {}};
  const bool any_cut = protocol == 6 && seed % 2 != 0;
  const double rate = codec == AL_CODEC_PCMU || codec == AL_CODEC_PCMA ? 8000 : 16'000;
  const auto frame = static_cast<std::size_t>(rate / 50);
  for (std::size_t at = any_cut ? random() % 3 : 0; at < audio.size();) {
    const std::size_t most = any_cut ? 100 + random() % 1360 : frame;
    const std::size_t size = std::min(most, audio.size() - at);
    at += size;
    flow.packets.push_back({kFlowStart + static_cast<EventTime>(1e9 * static_cast<double>(at) / rate),
                            {audio.begin() + static_cast<long>(at - size), audio.begin() + static_cast<long>(at)}});
  }
  return flow;
}

LabelledFlow rtp(const std::string& name, al_codec codec, std::uint8_t type, const Bytes& audio, std::size_t bytes,
                 unsigned seed) {
  return framed(name, 17, codec, audio, bytes, [=](const Bytes& payload, std::size_t number) {
    return rtp_packet(type, static_cast<std::uint16_t>(65'500 + number),
                      static_cast<std::uint32_t>(seed + 160 * number), 0x1000 + seed, payload);
  });
}

}  // namespace

Bytes encode_samples(const Samples& samples, al_codec codec) {
  Bytes bytes;
  bytes.reserve(2 * samples.size());
  for (const std::int16_t sample : samples) {
    const auto word = static_cast<std::uint16_t>(sample);
    if (codec == AL_CODEC_PCMU) {
      bytes.push_back(al_mu_law_encode(sample));
    } else if (codec == AL_CODEC_PCMA) {
      bytes.push_back(al_a_law_encode(sample));
    } else {
      bytes.push_back(static_cast<std::uint8_t>(codec == AL_CODEC_PCM16LE ? word : word >> 8));
      bytes.push_back(static_cast<std::uint8_t>(codec == AL_CODEC_PCM16LE ? word >> 8 : word));
    }
  }
  return bytes;
}

std::vector<LabelledFlow> audio_flows(const Samples& sound, unsigned seed) {
  const Bytes mu = encode_samples(sound, AL_CODEC_PCMU);
  const Bytes a = encode_samples(sound, AL_CODEC_PCMA);
  const Bytes little = encode_samples(sound, AL_CODEC_PCM16LE);
  const Bytes big = encode_samples(sound, AL_CODEC_PCM16BE);
  const Wrap masked = [seed](const Bytes& audio, std::size_t number) {
    return websocket_frame(audio, {.mask = static_cast<std::uint32_t>((seed + number) * 0x9e3779b9)});
  };
  const Wrap text = [](const Bytes& audio, std::size_t) {
    return websocket_frame(bytes_of(twilio_media(audio)), {.opcode = 1});
  };
  std::vector<LabelledFlow> flows;
  flows.push_back(rtp("RTP PCMU", AL_CODEC_PCMU, 0, mu, 160, seed));
  flows.push_back(rtp("RTP PCMA", AL_CODEC_PCMA, 8, a, 160, seed));
  flows.push_back(rtp("RTP L16, static type", AL_CODEC_PCM16BE, 11, big, 320, seed));
  flows.push_back(rtp("RTP L16, dynamic type", AL_CODEC_PCM16BE, 97, big, 320, seed));
  flows.push_back(rtp("RTP PCMU, dynamic type", AL_CODEC_PCMU, 101, mu, 160, seed));
  flows.push_back(raw("UDP PCMU", 17, AL_CODEC_PCMU, mu, seed));
  flows.push_back(raw("UDP PCM16LE", 17, AL_CODEC_PCM16LE, little, 3 * seed));
  flows.push_back(raw("TCP PCMU", 6, AL_CODEC_PCMU, mu, seed));
  flows.push_back(raw("TCP PCMA", 6, AL_CODEC_PCMA, a, seed));
  flows.push_back(raw("TCP PCM16LE", 6, AL_CODEC_PCM16LE, little, seed));
  flows.push_back(raw("TCP PCM16BE", 6, AL_CODEC_PCM16BE, big, seed));
  flows.push_back(framed("WebSocket PCM16LE, masked, in mid-stream", 6, AL_CODEC_PCM16LE, little, 320, masked));
  flows.push_back(framed("WebSocket PCMU, from the handshake", 6, AL_CODEC_PCMU, mu, 160, masked,
                         bytes_of("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")));
  flows.push_back(framed("WebSocket Twilio JSON", 6, AL_CODEC_PCMU, mu, 160, text));
  flows.push_back(framed(
      "WebSocket OpenAI JSON", 6, AL_CODEC_PCM16LE, little, 320,
      [](const Bytes& audio, std::size_t) { return websocket_frame(bytes_of(openai_append(audio)), {.opcode = 1}); }));
  flows.push_back(framed("SSE hex", 6, AL_CODEC_PCM16LE, little, 320, [](const Bytes& audio, std::size_t) {
    return bytes_of(sse_event(R"({"audio":")" + hex(audio) + "\"}"));
  }));
  flows.push_back(framed(
      "HTTP chunked WAVE", 6, AL_CODEC_PCM16LE, little, 320,
      [](const Bytes& audio, std::size_t) { return http_chunk(audio); },
      [] {
        Bytes head = bytes_of(http_response("audio/wav", "Transfer-Encoding: chunked\r\n"));
        append(head, http_chunk(wav_header(1, 1, 8000, 16)));
        return head;
      }()));
  flows.push_back(framed("AudioSocket", 6, AL_CODEC_PCM16LE, little, 320,
                         [](const Bytes& audio, std::size_t) { return audiosocket_message(0x10, audio); }));
  flows.push_back(framed(
      "gRPC", 6, AL_CODEC_PCM16LE, little, 320,
      [](const Bytes& audio, std::size_t) { return http2_frame(0, 0, 1, grpc_message(protobuf_field(2, audio))); },
      http2_preface()));
  return flows;
}

}  // namespace audio_latency::test
