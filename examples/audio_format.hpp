// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codec.hpp"
#include "socket.hpp"

namespace audio_latency::examples {

enum class Framing : std::uint8_t { rtp, udp, tcp, websocket, twilio, openai, sse, http, audiosocket, grpc };

// How the command line spells them, and what they are, for its help.
const std::map<std::string, Framing>& framing_names();
constexpr const char* kFramingsHelp =
    "rtp, udp, tcp: samples as they are; websocket: binary frames; twilio, openai: base64 in JSON in WebSocket text; "
    "sse: hex in JSON in server-sent events; http: chunked WAVE; audiosocket; grpc: a bytes field";

// What a stream carries, and how.
struct StreamFormat {
  Framing framing = Framing::rtp;
  Codec codec = Codec::pcmu;
  std::uint32_t rate = 8000;  // Hz
};

Transport transport_of(Framing framing);
// With the framing's usual codec where none is wished. An error says what the framing does not carry.
Result<StreamFormat> stream_format(Framing framing, std::optional<Codec> codec, std::uint32_t rate);

// Which end of a connection we are: who connected is the client. WebSocket clients mask what they send (RFC 6455 §5.3),
// HTTP clients upload where they send, and download where they receive.
enum class Role : std::uint8_t { client, server };

// Puts one chunk of encoded audio on the wire: one packet, one segment, one frame, message or event.
class AudioWriter {
 public:
  virtual ~AudioWriter() = default;
  virtual Status write(std::span<const std::uint8_t> audio) = 0;
};
using MadeWriter = Result<std::unique_ptr<AudioWriter>>;
// Shakes hands first where the framing does, as that role.
MadeWriter make_writer(const StreamFormat& format, Fd socket, Role role);

// Takes encoded audio off the wire: what one read of the socket gave in, the audio that it holds out (appended).
class AudioReader {
 public:
  virtual ~AudioReader() = default;
  virtual void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) = 0;
};
using MadeReader = Result<std::unique_ptr<AudioReader>>;
MadeReader make_reader(const StreamFormat& format, const Fd& socket, Role role);

}  // namespace audio_latency::examples
