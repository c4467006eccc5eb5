// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "format_body.hpp"
#include "format_protobuf.hpp"

namespace audio_latency {

// A frame's header (RFC 9113, 4.1).
struct Http2Header {
  std::uint32_t length = 0;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
};
constexpr std::size_t kHttp2Header = 9;
constexpr std::size_t kHttp2Preface = 24;
// False: no frame is so. `bytes`: at least kHttp2Header.
bool read_http2_header(ByteSpan bytes, Http2Header& header);
// Does `bytes` begin with a client's preface or with frames, the last of which may be cut?
bool begins_with_http2(ByteSpan bytes);

// What one HTTP/2 stream carries in its DATA frames: gRPC messages, or a body like those of HTTP/1.
class Http2Stream {
 public:
  Http2Stream(AudioSink& audio, DecodeStatus& status, std::uint32_t id);

  std::uint32_t id() const { return id_; }
  // `frame`: bytes of the DATA frame that are still to come, these included; `starts`: these are its first.
  void feed(ByteSpan bytes, std::uint32_t sequence, std::uint32_t frame, bool starts);
  std::uint64_t used = 0;  // when it was fed last

 private:
  static constexpr std::size_t kPrefix = 5;
  enum class State : std::uint8_t { undecided, prefix, message, body };

  void decide(ByteSpan front, std::uint32_t frame);
  void prefix_complete();

  AudioSink& audio_;
  DecodeStatus& status_;
  std::uint32_t id_;
  State state_ = State::undecided;
  ProtobufDecoder protobuf_;
  std::unique_ptr<BodyDecoder> body_;
  std::uint8_t prefixed_ = 0;
  std::array<std::uint8_t, kPrefix> prefix_{};
  std::uint64_t remaining_ = 0;  // of the message
  bool deflated_ = false;
};

// One direction of an HTTP/2 connection (RFC 9113): DATA frames only, so no HPACK; streams are told apart. In
// mid-stream it looks for a frame whose end is the start of another.
class Http2Decoder : public Decoder {
 public:
  static constexpr std::size_t kStreams =
      128;  // at a time, as AudioTracks::kTracks; the one that was idle longest goes

  Http2Decoder(AudioSink& audio, DecodeStatus& status);

  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void gap() override;

 private:
  std::size_t search(ByteSpan bytes);
  std::size_t header(ByteSpan bytes);
  std::size_t payload(ByteSpan bytes, std::uint32_t sequence);
  Http2Stream& stream(std::uint32_t id);
  void lose(const char* why);

  AudioSink& audio_;
  DecodeStatus& status_;
  bool in_step_ = true;
  std::uint8_t partial_size_ = 0;
  std::array<std::uint8_t, kHttp2Header> partial_{};
  Http2Header frame_;
  std::uint32_t remaining_ = 0;  // of the frame
  std::uint32_t padding_ = 0;    // at its end
  bool pad_length_next_ = false;
  bool data_begins_ = false;
  std::uint64_t clock_ = 0;
  std::vector<std::unique_ptr<Http2Stream>> streams_;
};

}  // namespace audio_latency
