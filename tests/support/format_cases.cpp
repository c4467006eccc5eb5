// SPDX-License-Identifier: Apache-2.0
#include "support/format_cases.hpp"

#include <algorithm>
#include <random>

#include "format_audiosocket.hpp"
#include "format_http.hpp"
#include "format_http2.hpp"
#include "format_json.hpp"
#include "format_sse.hpp"
#include "format_websocket.hpp"

namespace audio_latency::test {

MakeDecoder websocket_decoder(bool in_step) {
  return [in_step](AudioSink& audio, DecodeStatus& status) {
    return std::make_unique<WebSocketDecoder>(audio, status, in_step);
  };
}

Decoded decode(const MakeDecoder& make, const Bytes& wire, unsigned longest, unsigned seed) {
  Decoded result;
  const auto decoder = make(result.audio, result.status);
  std::mt19937 random(seed);
  for (std::size_t at = 0; at < wire.size();) {
    const std::size_t most = longest == 0 ? wire.size() : 1 + random() % longest;
    const std::size_t size = std::min(most, wire.size() - at);
    decoder->feed(ByteSpan(wire).subspan(at, size), kDecodeStart + static_cast<std::uint32_t>(at));
    at += size;
  }
  return result;
}

namespace {

std::vector<Bytes> chunks(std::size_t count, std::size_t size, unsigned seed) {
  std::vector<Bytes> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back(random_bytes(size, seed + static_cast<unsigned>(i)));
    all.back()[0] = 0x80;  // not the first byte of anything known
  }
  return all;
}

FormatCase build(const char* name, const MakeDecoder& make, const std::vector<Bytes>& audio, const Bytes& front,
                 const std::function<Bytes(const Bytes&, std::size_t)>& wrap, unsigned wire_per_byte = 1) {
  FormatCase made{name, make, front, {}, wire_per_byte};
  for (std::size_t i = 0; i < audio.size(); ++i) {
    append(made.wire, wrap(audio[i], i));
    append(made.audio, audio[i]);
  }
  return made;
}

Bytes websocket_messages(const Bytes& audio, std::size_t number) {
  const auto key = static_cast<std::uint32_t>(0x9d3f0000 + number * 7919);
  const auto half = static_cast<long>(audio.size() / 3);
  Bytes wire;
  if (number % 3 == 2) {  // in three fragments, a ping between them
    append(wire, websocket_frame({audio.begin(), audio.begin() + half}, {.final = false, .mask = key}));
    append(wire, websocket_frame({1, 2, 3}, {.opcode = 9, .mask = key + 1}));
    append(wire, websocket_frame({audio.begin() + half, audio.begin() + 2 * half},
                                 {.opcode = 0, .final = false, .mask = key + 2}));
    append(wire, websocket_frame({audio.begin() + 2 * half, audio.end()}, {.opcode = 0, .mask = key + 3}));
  } else {
    append(wire, websocket_frame(audio, {.mask = key}));
  }
  return wire;
}

std::string openai_escaped(const Bytes& audio) {
  std::string escaped = R"({ "type" : "response.output_audio.delta", "a\"b" : [1, "x\\", null], "delta" : ")";
  for (const char c : base64(audio))
    escaped += c == '/' ? "\\/" : c == '+' ? "\\u002B" : c == '=' ? "\\u003d" : std::string(1, c);
  return escaped + "\" }\n";
}

}  // namespace

const std::vector<FormatCase>& format_cases() {
  static const std::vector<FormatCase> all = [] {
    std::vector<FormatCase> made;
    made.push_back(
        build("WebSocket binary, masked, fragmented", websocket_decoder(), chunks(9, 640, 1), {}, websocket_messages));
    made.push_back(build("WebSocket binary, long frames", websocket_decoder(), chunks(2, 70'000, 1), {},
                         [](const Bytes& audio, std::size_t) { return websocket_frame(audio); }));
    made.push_back(build(
        "WebSocket, Twilio JSON", websocket_decoder(), chunks(20, 160, 2), {},
        [](const Bytes& audio, std::size_t) { return websocket_frame(bytes_of(twilio_media(audio)), {.opcode = 1}); },
        0));
    made.push_back(
        build("WebSocket, protobuf", websocket_decoder(), chunks(6, 320, 2), {}, [](const Bytes& audio, std::size_t) {
          Bytes inner = protobuf_field(2, bytes_of("name"));
          append(inner, protobuf_field(3, audio));
          append(inner, Bytes{0x20, 0x80, 0x7d});
          return websocket_frame(protobuf_field(1, inner), {.mask = 0x01020304});
        }));
    made.push_back(build(
        "JSON, escaped base64", decoder_of<JsonDecoder>(), chunks(7, 333, 3), {},
        [](const Bytes& audio, std::size_t) { return bytes_of(openai_escaped(audio)); }, 0));
    made.push_back(build(
        "SSE, hex in JSON", decoder_of<SseDecoder>(), chunks(5, 1600, 4), bytes_of(": hello\n\n"),
        [](const Bytes& audio, std::size_t) {
          return bytes_of(sse_event(R"({"data":{"audio":")" + hex(audio) + R"(","status":1}})"));
        },
        2));
    made.push_back(build(
        "SSE, bare base64", decoder_of<SseDecoder>(), chunks(5, 300, 5), {},
        [](const Bytes& audio, std::size_t) { return bytes_of("data:" + base64(audio) + "\r\n\r\n"); }, 0));
    made.push_back(build("HTTP chunked", decoder_of<HttpDecoder>(), chunks(8, 511, 6),
                         bytes_of(http_response("audio/pcm;rate=24000", "Transfer-Encoding: chunked\r\n")),
                         [](const Bytes& audio, std::size_t) { return http_chunk(audio); }));
    made.push_back(build(
        "HTTP chunked events, base64 in JSON", decoder_of<HttpDecoder>(), chunks(8, 600, 6),
        bytes_of(http_response("text/event-stream", "Transfer-Encoding: chunked\r\n")),
        [](const Bytes& audio, std::size_t) {
          const std::string event = sse_event(R"({"audio":")" + base64(audio) + R"("})");
          Bytes wire = http_chunk(bytes_of(event.substr(0, 100)));
          append(wire, http_chunk(bytes_of(event.substr(100))));
          return wire;
        },
        0));
    made.push_back(build("HTTP requests with counted bodies", decoder_of<HttpDecoder>(), chunks(4, 900, 7), {},
                         [](const Bytes& audio, std::size_t) {
                           Bytes wire = bytes_of("POST /speech HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                                                 std::to_string(audio.size()) + "\r\n\r\n");
                           append(wire, audio);
                           return wire;
                         }));
    made.push_back(build("HTTP upgraded to WebSocket", decoder_of<HttpDecoder>(), chunks(5, 320, 8),
                         bytes_of("GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
                         websocket_messages));
    Bytes hello = audiosocket_message(0x01, random_bytes(16, 1));
    made.push_back(build("AudioSocket", decoder_of<AudioSocketDecoder>(), chunks(9, 320, 9), hello,
                         [](const Bytes& audio, std::size_t number) {
                           Bytes wire = audiosocket_message(0x10, audio);
                           if (number == 3) append(wire, audiosocket_message(0x03, {'5'}));
                           return wire;
                         }));
    Bytes preface = http2_preface();
    append(preface, http2_frame(4, 0, 0, Bytes(12, 0)));
    append(preface, http2_frame(1, 4, 1, random_bytes(60, 3)));
    made.push_back(build("gRPC", decoder_of<Http2Decoder>(), chunks(9, 3200, 10), preface,
                         [](const Bytes& audio, std::size_t number) {
                           const Bytes message = grpc_message(protobuf_field(2, audio));
                           const auto split = static_cast<long>(number % 2 == 0 ? message.size() : 1000);
                           Bytes wire = http2_frame(0, 0, 1, {message.begin(), message.begin() + split});
                           append(wire, http2_frame(6, 0, 0, Bytes(8, 7)));
                           if (split < static_cast<long>(message.size()))
                             append(wire, http2_frame(0, 0, 1, {message.begin() + split, message.end()}));
                           return wire;
                         }));
    return made;
  }();
  return all;
}

}  // namespace audio_latency::test
