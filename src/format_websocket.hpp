// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "format_json.hpp"
#include "format_protobuf.hpp"

namespace audio_latency {

// A WebSocket frame's header (RFC 6455, 5.2).
struct WebSocketHeader {
  bool final = false;
  bool deflated = false;  // RSV1: permessage-deflate (RFC 7692)
  bool masked = false;
  std::uint8_t opcode = 0;
  std::uint8_t size = 0;  // of the header; 0: needs more bytes
  std::uint64_t length = 0;
  std::array<std::uint8_t, 4> key{};

  bool control() const { return opcode >= 8; }
};
constexpr std::size_t kWebSocketHeaderMost = 14;
// Reads the header at the front of `bytes`. False: no header is so.
bool read_websocket_header(ByteSpan bytes, WebSocketHeader& header);
// How much speaks for frames at the start of `bytes`, in bits: by chance it is met once in 2^bits. 0: not so.
unsigned websocket_evidence(ByteSpan bytes);

// One direction of a WebSocket connection behind the handshake: text messages are JSON; binary ones protobuf or JSON
// where they look so, else audio. In mid-stream it looks for frames that follow one another.
class WebSocketDecoder : public Decoder {
 public:
  // `in_step`: the first byte is known to be a frame's first.
  WebSocketDecoder(AudioSink& audio, DecodeStatus& status, bool in_step);

  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void gap() override;

 private:
  static constexpr std::size_t kFront = 24;  // bytes that tell what a binary message is
  enum class Content : std::uint8_t { skipped, undecided, json, protobuf, audio };

  std::size_t search(ByteSpan bytes);
  std::size_t header(ByteSpan bytes);
  void enter(const WebSocketHeader& header);
  void lose(const char* why);
  std::size_t payload(ByteSpan bytes, std::uint32_t sequence);
  void deliver(ByteSpan bytes, std::uint32_t sequence);
  void decide();
  void pass(ByteSpan bytes, std::uint32_t sequence);

  // What each piece asks for comes first.
  AudioSink& audio_;
  DecodeStatus& status_;
  std::array<std::uint8_t, kWebSocketHeaderMost> partial_{};  // of a header that came in two pieces
  std::uint8_t partial_size_ = 0;
  bool in_step_;
  bool trusted_;  // false: in step by one header only, whose payload may be anything
  bool in_payload_ = false;
  std::uint64_t remaining_ = 0;  // of the frame's payload
  WebSocketHeader frame_;
  std::uint32_t masked_ = 0;  // payload bytes of the frame so far, modulo 4
  Content message_ = Content::skipped;
  JsonDecoder json_;
  ProtobufDecoder protobuf_;
  Front<kFront> front_;  // of a binary message
};

}  // namespace audio_latency
