// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "format_body.hpp"
#include "format_websocket.hpp"

namespace audio_latency {

// Does `bytes` begin with a request or status line of HTTP/1?
bool begins_with_http(ByteSpan bytes);
// Bytes of the chunk-size line (RFC 9112, 7.1) that `bytes` begin with, and its chunk's size; 0: none.
std::size_t read_chunk_line(ByteSpan bytes, std::uint64_t& size);

// One direction of an HTTP/1 connection (RFC 9112): bodies chunked, counted or up to the end; behind an upgrade,
// WebSocket. In mid-stream it looks for a start line or for a chunk-size line.
class HttpDecoder : public Decoder {
 public:
  HttpDecoder(AudioSink& audio, DecodeStatus& status) : audio_(audio), status_(status), body_(audio, status) {
    status.layers |= kLayerHttp;
  }

  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void gap() override;

 private:
  enum class State : std::uint8_t { search, line, header, body, chunk_line, chunk, chunk_end, trailer, upgraded };
  static constexpr std::size_t kLongestLine = 512;  // the rest of a longer one is not looked at
  static constexpr std::uint64_t kToTheEnd = ~0ULL;

  std::size_t search(ByteSpan bytes);
  std::size_t line(ByteSpan bytes);
  void line_complete();
  void start_line();
  void header_line();
  void headers_complete();
  void chunk_line();
  std::size_t pass(ByteSpan bytes, std::uint32_t sequence);
  void lose(const char* why);

  AudioSink& audio_;
  DecodeStatus& status_;
  BodyDecoder body_;
  std::unique_ptr<WebSocketDecoder> websocket_;
  State state_ = State::line;
  std::string line_;
  std::uint64_t remaining_ = 0;  // of the body or chunk
  // Of the message at hand.
  bool response_ = false;
  bool no_body_ = false;
  bool chunked_ = false;
  bool upgrade_ = false;
  bool encoded_ = false;  // Content-Encoding: compressed
  bool counted_ = false;
  std::uint64_t length_ = 0;
  BodyType type_;
};

}  // namespace audio_latency
