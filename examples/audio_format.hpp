// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "socket.hpp"

namespace audio_latency::examples {

enum class Framing : std::uint8_t { rtp, udp, tcp, websocket };
enum class Codec : std::uint8_t { pcmu, pcma, pcm16 };  // pcm16: little-endian; in RTP big-endian is not offered

// How the command line spells them.
const std::map<std::string, Framing>& framing_names();
const std::map<std::string, Codec>& codec_names();

Transport transport_of(Framing framing);
std::size_t bytes_per_sample(Codec codec);

// Linear samples as they go on the wire.
std::vector<std::uint8_t> encode(Codec codec, std::span<const std::int16_t> samples);

// Which end of a WebSocket connection we are. Clients mask what they send (RFC 6455 §5.3).
enum class Role : std::uint8_t { client, server };

// Puts one chunk of encoded audio on the wire: one packet, one segment or one frame.
class AudioWriter {
 public:
  virtual ~AudioWriter() = default;
  virtual Status write(std::span<const std::uint8_t> audio) = 0;
};
// WebSocket: shakes hands first, as that role.
Result<std::unique_ptr<AudioWriter>> make_writer(Framing framing, Codec codec, Fd socket, Role role);

// Takes encoded audio off the wire: what one read of the socket gave in, the audio that it holds out (appended).
class AudioReader {
 public:
  virtual ~AudioReader() = default;
  virtual void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) = 0;
};
Result<std::unique_ptr<AudioReader>> make_reader(Framing framing, const Fd& socket, Role role);

}  // namespace audio_latency::examples
