// SPDX-License-Identifier: Apache-2.0
#include "support/format_flows.hpp"

#include <algorithm>
#include <functional>
#include <random>

#include "audio_latency/wire/g711.h"

namespace audio_latency::test {
namespace {

constexpr EventTime kStart = 1'000'000'000'000;
constexpr EventTime kFrame = 20'000'000;  // 20 ms

using scenario::Samples;
using Wrap = std::function<Bytes(const Bytes& audio, std::size_t number)>;

Bytes rtp_packet(std::uint8_t type, std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t ssrc,
                 const Bytes& payload, bool marker = false) {
  Bytes packet{0x80, static_cast<std::uint8_t>(type | (marker ? 0x80 : 0))};
  append16(packet, sequence);
  append32(packet, timestamp);
  append32(packet, ssrc);
  append(packet, payload);
  return packet;
}

// Frames of `frame_bytes`, one every 20 ms, each in a packet of its own.
LabelledFlow framed(const std::string& name, std::uint8_t protocol, al_codec codec, const Bytes& audio,
                    std::size_t frame_bytes, const Wrap& wrap, const Bytes& first = {}) {
  LabelledFlow flow{name, codec != AL_CODEC_UNKNOWN, codec, "", protocol, 0, {}};
  if (!first.empty()) flow.packets.push_back({kStart, first});
  for (std::size_t number = 0; (number + 1) * frame_bytes <= audio.size(); ++number) {
    const auto from = audio.begin() + static_cast<long>(number * frame_bytes);
    flow.packets.push_back(
        {kStart + (number + 1) * kFrame, wrap({from, from + static_cast<long>(frame_bytes)}, number)});
  }
  return flow;
}

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
    flow.packets.push_back({kStart + static_cast<EventTime>(1e9 * static_cast<double>(at) / rate),
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

// A stream of bytes cut into segments, `bytes_per_second` fast.
LabelledFlow stream(const std::string& name, const Bytes& bytes, std::size_t segment, double bytes_per_second) {
  LabelledFlow flow{name, false, AL_CODEC_UNKNOWN, "", 6, 77, {}};
  for (std::size_t at = 0; at < bytes.size(); at += segment) {
    const std::size_t size = std::min(segment, bytes.size() - at);
    flow.packets.push_back({kStart + static_cast<EventTime>(1e9 * static_cast<double>(at) / bytes_per_second),
                            {bytes.begin() + static_cast<long>(at), bytes.begin() + static_cast<long>(at + size)}});
  }
  return flow;
}

LabelledFlow datagrams(const std::string& name, double seconds, std::size_t per_second,
                       const std::function<Bytes(std::size_t)>& make) {
  LabelledFlow flow{name, false, AL_CODEC_UNKNOWN, "", 17, 0, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(seconds * static_cast<double>(per_second)); ++i)
    flow.packets.push_back({kStart + i * (1'000'000'000 / per_second), make(i)});
  return flow;
}

Bytes text_of(std::size_t size, unsigned seed) {
  static const char* const words[] = {"SELECT", "the",  "latency", "of", "\xe9\x9f\xb3\xe5\xa3\xb0",
                                      "error",  "12.5", "\n"};
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < size) text += std::string(words[random() % 8]) + (random() % 5 == 0 ? "\":" : " ");
  return bytes_of(text);
}

Bytes picture(std::size_t size) {  // raw pixels: smooth, as sound is
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i)
    bytes.push_back(
        static_cast<std::uint8_t>(90 + 60 * static_cast<int>(i / 3 % 640) / 640 + 10 * static_cast<int>(i % 3)));
  return bytes;
}

Bytes repeated(const Bytes& bytes, std::size_t times) {
  Bytes all;
  for (std::size_t i = 0; i < times; ++i) append(all, bytes);
  return all;
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

std::vector<LabelledFlow> other_flows(const Samples& sound, unsigned seed, double seconds) {
  const Bytes mu = encode_samples(sound, AL_CODEC_PCMU);
  std::vector<LabelledFlow> flows;
  Bytes page = bytes_of(http_response("application/octet-stream", "Content-Length: 1000000\r\n"));
  append(page, random_bytes(400'000, seed));
  flows.push_back(stream("HTTP download", page, 1448, 400'000 / seconds));
  Bytes api;
  for (unsigned i = 0; i < 60; ++i) {
    const Bytes body =
        bytes_of("{\"id\":\"" + hex(random_bytes(32, seed + i)) + "\",\"text\":\"" + std::to_string(i) + "\"}");
    append(api, http_response("application/json", "Content-Length: " + std::to_string(body.size()) + "\r\n"));
    append(api, body);
  }
  flows.push_back(stream("HTTP JSON API", api, 400, 20'000));
  Bytes tls{22, 3, 1, 0, 200, 1};
  append(tls, random_bytes(199, seed));
  for (unsigned i = 0; i < 30; ++i) {
    append(tls, Bytes{23, 3, 3, 2, 0});
    append(tls, random_bytes(512, seed + i));
  }
  flows.push_back(stream("TLS", tls, 517, 30'000));
  flows.back().reason = "tls";
  Bytes ssh = bytes_of("SSH-2.0-OpenSSH_9.2p1\r\n");
  append(ssh, random_bytes(20'000, seed));
  flows.push_back(stream("SSH", ssh, 300, 20'000));
  flows.push_back(stream("SSH, in mid-stream", random_bytes(20'000, seed + 1), 100, 20'000));
  flows.push_back(stream("random", random_bytes(200'000, seed + 2), 1448, 200'000 / seconds));
  flows.push_back(stream("zeros", Bytes(200'000, 0), 1448, 200'000 / seconds));
  flows.push_back(stream("iperf3", repeated(random_bytes(131'072, seed), 4), 65'160, 1e9));
  flows.push_back(stream("iperf, digits", repeated(bytes_of("0123456789"), 40'000), 1448, 1e9));
  flows.push_back(stream("text", text_of(60'000, seed), 1448, 60'000 / seconds));
  flows.push_back(stream("pixels", picture(200'000), 1448, 1e6));
  std::uint16_t number = 0;
  flows.push_back(datagrams("RTP video", seconds, 150, [&](std::size_t i) {
    const bool last = i % 5 == 4;
    return rtp_packet(96, ++number, static_cast<std::uint32_t>(3000 * (i / 5)), seed,
                      random_bytes(last ? 300 : 1100, seed + i), last);
  }));
  flows.push_back(datagrams("RTP Opus", seconds, 50, [&](std::size_t i) {
    return rtp_packet(111, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(960 * i), seed,
                      random_bytes(60 + (i * 37) % 80, seed + i));
  }));
  flows.back().reason = "compressed_codec";
  flows.push_back(datagrams("RTP G.729", seconds, 50, [&](std::size_t i) {
    return rtp_packet(18, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(160 * i), seed,
                      random_bytes(20, seed + i));
  }));
  flows.back().reason = "compressed_codec";
  flows.push_back(datagrams("SRTP PCMU", seconds, 50, [&](std::size_t i) {
    return rtp_packet(0, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(160 * i), seed,
                      random_bytes(170, seed + i));
  }));
  flows.back().reason = "srtp";
  flows.push_back(datagrams("QUIC", seconds, 100, [&](std::size_t i) {
    Bytes packet{0x40};
    append(packet, random_bytes(800, seed + i));
    return packet;
  }));
  flows.push_back(datagrams("DNS", seconds, 30, [&](std::size_t i) {
    Bytes packet = random_bytes(2, seed + i);
    append(packet, Bytes{1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3});
    append(packet, std::string("www\7example\3com"));
    append(packet, Bytes{0, 0, 1, 0, 1});
    return packet;
  }));
  LabelledFlow deflate = framed("WebSocket, permessage-deflate", 6, AL_CODEC_UNKNOWN, repeated(mu, 3), 320,
                                [&](const Bytes&, std::size_t i) {
                                  return websocket_frame(random_bytes(250, seed + i), {.mask = seed, .deflated = true});
                                });
  deflate.reason = "deflate";
  flows.push_back(deflate);
  return flows;
}

}  // namespace audio_latency::test
