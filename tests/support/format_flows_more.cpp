// SPDX-License-Identifier: Apache-2.0
// More flows without sound: what stands beside calls on a network of telephones and browsers, and what resembles sound.
#include <cmath>
#include <fstream>
#include <iterator>
#include <random>

#include "support/format_flow_parts.hpp"

namespace audio_latency::test {
namespace {

Bytes program_text(std::size_t size, unsigned seed) {  // machine code and tables: this very program
  static const Bytes whole = [] {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), {});
  }();
  const std::size_t from = whole.size() > size ? seed * 7919UL * 16 % (whole.size() - size) : 0;
  return {whole.begin() + static_cast<long>(from),
          whole.begin() + static_cast<long>(std::min(from + size, whole.size()))};
}

// Codes as an ADPCM coder of two bands sends them: small ones more often, neighbours unrelated.
Bytes adpcm(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> low(0, 9), high(0, 0.8);
  Bytes bytes;
  for (std::size_t i = 0; i < size; ++i) {
    const int code = static_cast<int>(low(random)) & 63;
    bytes.push_back(static_cast<std::uint8_t>((static_cast<int>(high(random)) & 3) << 6 | code));
  }
  return bytes;
}

template <typename Value>
void append_value(Bytes& to, Value value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}

// Readings of an instrument, as doubles; columns of ascending numbers, as a database sends them.
Bytes telemetry(std::size_t values, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes;
  double level = 20;
  for (std::size_t i = 0; i < values; ++i)
    append_value(bytes, level += static_cast<double>(random() % 1000) / 1e4 - 0.05);
  return bytes;
}
Bytes columns(std::size_t rows, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes;
  std::uint32_t key = seed * 1000;
  for (std::size_t i = 0; i < rows; ++i) append_value(bytes, key += 1 + random() % 3);
  return bytes;
}

LabelledFlow messages(const std::string& name, unsigned count, const std::function<Bytes(unsigned)>& make,
                      const Bytes& first = {}) {
  LabelledFlow flow = framed(
      name, 6, AL_CODEC_UNKNOWN, Bytes(count, 0), 1,
      [&](const Bytes&, std::size_t i) { return make(static_cast<unsigned>(i)); }, first);
  flow.audio = false;
  return flow;
}

Bytes json_frame(const std::string& text) {
  return websocket_frame(bytes_of(text), {.opcode = 1, .mask = 0x1badcafe});
}

}  // namespace

std::vector<LabelledFlow> other_datagrams(unsigned seed, double seconds) {
  std::vector<LabelledFlow> flows;
  flows.push_back(datagrams("RTCP", seconds, 5, [&](std::size_t i) {
    Bytes packet{0x81, 200, 0, 12};
    append32(packet, seed);
    append(packet, random_bytes(44, seed + i));
    return packet;
  }));
  flows.push_back(datagrams("STUN", seconds, 20, [&](std::size_t i) {
    Bytes packet{0, 1, 0, 80, 0x21, 0x12, 0xa4, 0x42};
    append(packet, random_bytes(92, seed + i));
    return packet;
  }));
  flows.push_back(datagrams("DTLS", seconds, 30, [&](std::size_t i) {
    Bytes packet{23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(i), 1, 44};
    append(packet, random_bytes(300, seed + i));
    return packet;
  }));
  flows.push_back(datagrams("RTP H.264, one packet a frame", seconds, 30, [&](std::size_t i) {
    Bytes unit{0x61, 0xe0};
    append(unit, random_bytes(120 + (i * 71) % 500, seed + i));
    return rtp_packet(102, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(3000 * i), seed, unit, true);
  }));
  flows.push_back(datagrams("RTP G.722", seconds, 50, [&](std::size_t i) {
    return rtp_packet(9, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(160 * i), seed,
                      adpcm(160, seed + static_cast<unsigned>(i)));
  }));
  flows.back().reason = "compressed_codec";
  flows.push_back(datagrams("RTP ADPCM, dynamic type", seconds, 50, [&](std::size_t i) {
    return rtp_packet(98, static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(160 * i), seed,
                      adpcm(160, seed + static_cast<unsigned>(i)));
  }));
  flows.back().reason = "compressed_codec";
  flows.push_back(datagrams("WireGuard", seconds, 60, [&](std::size_t i) {
    Bytes packet{4, 0, 0, 0};
    append32(packet, seed);
    append_value(packet, static_cast<std::uint64_t>(i));
    append(packet, random_bytes(400, seed + i));
    return packet;
  }));
  flows.push_back(datagrams("game state", seconds, 60, [&](std::size_t i) {  // positions that move a little each time
    Bytes packet{7, static_cast<std::uint8_t>(i)};
    for (unsigned object = 0; object < 20; ++object)
      append_value(packet, static_cast<float>(std::sin((static_cast<double>(i) + object * seed) / 40) * 100));
    return packet;
  }));
  return flows;
}

std::vector<LabelledFlow> other_messages(unsigned seed) {
  std::vector<LabelledFlow> flows;
  flows.push_back(messages("WebSocket chat", 100, [&](unsigned i) {
    return json_frame(R"({"type":"message","id":")" + std::to_string(seed + i) + R"(","text":"shall we meet at )" +
                      std::to_string(i % 24) + R"( o'clock, before the others are there?"})");
  }));
  flows.push_back(messages("WebSocket, pictures in JSON", 30, [&](unsigned i) {
    Bytes jpeg{0xff, 0xd8, 0xff, 0xe0};
    append(jpeg, random_bytes(3000, seed + i));
    return json_frame(R"({"type":"frame","image":")" + base64(jpeg) + "\"}");
  }));
  flows.push_back(messages("WebSocket, doubles of an instrument", 100, [&](unsigned i) {
    return websocket_frame(telemetry(100, seed + i), {.mask = 0x01020304});
  }));
  flows.push_back(messages("server-sent events, words", 100, [&](unsigned i) {
    return bytes_of(sse_event(R"({"id":"chat-)" + hex(random_bytes(12, seed)) +
                              R"(","choices":[{"delta":{"content":" word)" + std::to_string(i) + R"("}}]})"));
  }));
  flows.push_back(messages("server-sent events, pictures", 20, [&](unsigned i) {
    return bytes_of(sse_event(R"({"image":")" + base64(random_bytes(3000, seed + i)) + "\"}"));
  }));
  flows.push_back(messages(
      "gRPC, text", 100,
      [&](unsigned i) {
        Bytes fields = protobuf_field(1, bytes_of("a name of some length, number " + std::to_string(i)));
        append(fields, protobuf_field(2, bytes_of(std::string(90, static_cast<char>('a' + i % 26)))));
        return http2_frame(0, 0, 1, grpc_message(fields));
      },
      http2_preface()));
  flows.push_back(messages(
      "gRPC, pictures", 60,
      [&](unsigned i) { return http2_frame(0, 0, 1, grpc_message(protobuf_field(2, random_bytes(1200, seed + i)))); },
      http2_preface()));
  return flows;
}

std::vector<LabelledFlow> other_files(unsigned seed) {
  std::vector<LabelledFlow> flows;
  Bytes radio = bytes_of(http_response("audio/mpeg"));
  for (unsigned i = 0; i < 80; ++i) {  // 128 kbit/s at 44.1 kHz
    append(radio, Bytes{0xff, 0xfb, 0x90, 0x64});
    append(radio, random_bytes(413, seed + i));
  }
  flows.push_back(stream("HTTP, MP3", radio, 1448, 16'000));
  flows.back().reason = "compressed_codec";
  Bytes download = bytes_of(http_response("application/octet-stream", "Content-Length: 200000\r\n"));
  append(download, program_text(200'000, seed));
  flows.push_back(stream("HTTP, a program", download, 1448, 200'000));
  flows.push_back(stream("TCP, a program", program_text(200'000, seed + 1), 1448, 200'000));
  flows.push_back(stream("TCP, columns of numbers", columns(50'000, seed), 1448, 200'000));
  flows.push_back(stream("TCP, doubles of an instrument", telemetry(25'000, seed), 1448, 200'000));
  return flows;
}

}  // namespace audio_latency::test
