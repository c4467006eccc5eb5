// SPDX-License-Identifier: Apache-2.0
// Flows that carry no sound, or sound that can't be scanned: by transport and framing.
#include <random>

#include "support/format_flow_parts.hpp"

namespace audio_latency::test {
namespace {

using scenario::Samples;

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
  for (LabelledFlow& more : other_datagrams(seed, seconds)) flows.push_back(std::move(more));
  for (LabelledFlow& more : other_messages(seed)) flows.push_back(std::move(more));
  for (LabelledFlow& more : other_files(seed)) flows.push_back(std::move(more));
  return flows;
}

}  // namespace audio_latency::test
