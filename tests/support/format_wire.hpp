// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/packet.hpp"

namespace audio_latency::test {

// Audio as services put it on the wire: what the decoders have to undo. Each appends to a byte stream.
Bytes bytes_of(const std::string& text);
std::string base64(const Bytes& bytes);
std::string hex(const Bytes& bytes);

void append(Bytes& to, const Bytes& more);
void append(Bytes& to, const std::string& more);

struct FrameOptions {
  std::uint8_t opcode = 2;
  bool final = true;
  std::optional<std::uint32_t> mask = std::nullopt;
  bool deflated = false;
};
Bytes websocket_frame(const Bytes& payload, const FrameOptions& options = {});  // RFC 6455

std::string twilio_media(const Bytes& audio, const std::string& track = "inbound");
std::string openai_append(const Bytes& audio);
std::string sse_event(const std::string& data);
Bytes http_chunk(const Bytes& data);
std::string http_response(const std::string& content_type, const std::string& more_headers = "");
Bytes wav_header(std::uint16_t format, std::uint16_t channels, std::uint32_t rate, std::uint16_t bits);
Bytes audiosocket_message(std::uint8_t kind, const Bytes& data);
Bytes protobuf_field(std::uint32_t number, const Bytes& value);
Bytes grpc_message(const Bytes& message);
Bytes http2_frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, const Bytes& payload);
Bytes http2_preface();

}  // namespace audio_latency::test
