// SPDX-License-Identifier: Apache-2.0
#include "support/format_wire.hpp"

namespace audio_latency::test {
namespace {

void big_endian(Bytes& to, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void little_endian(Bytes& to, std::uint64_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void varint(Bytes& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to.push_back(static_cast<std::uint8_t>(value | 0x80));
  to.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

Bytes bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

void append(Bytes& to, const Bytes& more) {
  to.insert(to.end(), more.begin(), more.end());
}
void append(Bytes& to, const std::string& more) {
  to.insert(to.end(), more.begin(), more.end());
}

std::string base64(const Bytes& bytes) {
  static const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = bytes.size() - at;
    const unsigned group = bytes[at] << 16U | (left > 1 ? bytes[at + 1] << 8U : 0) | (left > 2 ? bytes[at + 2] : 0U);
    for (unsigned i = 0; i < 4; ++i) text += i <= left ? alphabet[group >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

std::string hex(const Bytes& bytes) {
  static const std::string digits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

Bytes websocket_frame(const Bytes& payload, const FrameOptions& options) {
  Bytes frame;
  frame.push_back(
      static_cast<std::uint8_t>((options.final ? 0x80 : 0) | (options.deflated ? 0x40 : 0) | options.opcode));
  const std::uint8_t masked = options.mask ? 0x80 : 0;
  if (payload.size() < 126) {
    frame.push_back(static_cast<std::uint8_t>(masked | payload.size()));
  } else if (payload.size() < 65536) {
    frame.push_back(masked | 126);
    big_endian(frame, payload.size(), 2);
  } else {
    frame.push_back(masked | 127);
    big_endian(frame, payload.size(), 8);
  }
  Bytes key;
  if (options.mask) big_endian(key, *options.mask, 4);
  append(frame, key);
  for (std::size_t i = 0; i < payload.size(); ++i)
    frame.push_back(options.mask ? static_cast<std::uint8_t>(payload[i] ^ key[i % 4]) : payload[i]);
  return frame;
}

std::string twilio_media(const Bytes& audio, const std::string& track) {
  return R"({"event":"media","sequenceNumber":"4","media":{"track":")" + track +
         R"(","chunk":"2","timestamp":"5","payload":")" + base64(audio) +
         R"("},"streamSid":"MZXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"})";
}

std::string openai_append(const Bytes& audio) {
  return R"({"type":"input_audio_buffer.append","audio":")" + base64(audio) + R"("})";
}

std::string sse_event(const std::string& data) {
  return "event: audio\ndata: " + data + "\n\n";
}

Bytes http_chunk(const Bytes& data) {
  Bytes length;
  big_endian(length, data.size(), 4);
  Bytes chunk = bytes_of(hex(length) + "\r\n");
  append(chunk, data);
  append(chunk, "\r\n");
  return chunk;
}

std::string http_response(const std::string& content_type, const std::string& more_headers) {
  return "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Type: " + content_type + "\r\n" + more_headers + "\r\n";
}

Bytes wav_header(std::uint16_t format, std::uint16_t channels, std::uint32_t rate, std::uint16_t bits) {
  Bytes header = bytes_of("RIFF");
  little_endian(header, 0xffffffff, 4);
  append(header, "WAVEfmt ");
  little_endian(header, 16, 4);
  little_endian(header, format, 2);
  little_endian(header, channels, 2);
  little_endian(header, rate, 4);
  little_endian(header, std::uint64_t{rate} * channels * bits / 8, 4);
  little_endian(header, channels * bits / 8U, 2);
  little_endian(header, bits, 2);
  append(header, "LIST");
  little_endian(header, 3, 4);
  append(header, "abc");
  header.push_back(0);  // chunks have even lengths
  append(header, "data");
  little_endian(header, 0xffffffff, 4);
  return header;
}

Bytes audiosocket_message(std::uint8_t kind, const Bytes& data) {
  Bytes message{kind};
  big_endian(message, data.size(), 2);
  append(message, data);
  return message;
}

Bytes protobuf_field(std::uint32_t number, const Bytes& value) {
  Bytes field;
  varint(field, number << 3 | 2);
  varint(field, value.size());
  append(field, value);
  return field;
}

Bytes grpc_message(const Bytes& message) {
  Bytes framed{0};
  big_endian(framed, message.size(), 4);
  append(framed, message);
  return framed;
}

Bytes http2_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const Bytes& payload) {
  Bytes frame;
  big_endian(frame, payload.size(), 3);
  frame.push_back(type);
  frame.push_back(flags);
  big_endian(frame, stream, 4);
  append(frame, payload);
  return frame;
}

Bytes http2_preface() {
  return bytes_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
}

}  // namespace audio_latency::test
