// SPDX-License-Identifier: Apache-2.0
// WebSocket: audio in binary frames, or base64 in JSON in text frames, as Twilio's Media Streams and OpenAI's Realtime
// API have it.
#include <bit>
#include <random>

#include "framing.hpp"
#include "text_coding.hpp"
#include "websocket.hpp"

namespace audio_latency::examples {
namespace {

using Bytes = std::vector<std::uint8_t>;

class WebSocketWriter : public AudioWriter {
 public:
  WebSocketWriter(Fd socket, Framing framing, Role role) : socket_(std::move(socket)), framing_(framing), role_(role) {}

  // What is sent before any audio.
  Status open() {
    if (framing_ != Framing::twilio || role_ == Role::server) {
      return success();
    }
    const Status sent = send_message(R"({"event":"connected","protocol":"Call","version":"1.0.0"})");
    return !sent ? sent
                 : send_message(R"({"event":"start","sequenceNumber":"1","start":{"tracks":["inbound"],"mediaFormat":)"
                                R"({"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}},"streamSid":"MZ0"})");
  }

  Status write(std::span<const std::uint8_t> audio) override {
    return framing_ == Framing::websocket ? send_frame(Opcode::binary, audio) : send_message(json(audio));
  }

 private:
  std::string json(std::span<const std::uint8_t> audio) {
    const std::string text = to_text(TextForm::base64, audio);
    const bool client = role_ == Role::client;
    if (framing_ == Framing::openai) {
      return client ? R"({"type":"input_audio_buffer.append","audio":")" + text + "\"}"
                    : R"({"type":"response.output_audio.delta","response_id":"resp_1","delta":")" + text + "\"}";
    }
    if (!client) {
      return R"({"event":"media","streamSid":"MZ0","media":{"payload":")" + text + "\"}}";
    }
    const std::string number = std::to_string(++messages_);
    return R"({"event":"media","sequenceNumber":")" + number + R"(","media":{"track":"inbound","chunk":")" + number +
           R"(","payload":")" + text + R"("},"streamSid":"MZ0"})";
  }

  Status send_message(const std::string& text) {
    return send_frame(Opcode::text, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }

  Status send_frame(Opcode opcode, std::span<const std::uint8_t> payload) {
    if (role_ == Role::server) {
      return send_all(socket_, websocket_frame(opcode, payload, std::nullopt));
    }
    const std::uint32_t key = random_();  // a new one for each frame (RFC 6455 §5.3)
    return send_all(socket_, websocket_frame(opcode, payload, std::bit_cast<std::array<std::uint8_t, 4>>(key)));
  }

  Fd socket_;
  Framing framing_;
  Role role_;
  std::random_device random_;
  std::uint64_t messages_ = 1;
};

// Who receives as a server has a client at the other end, and the other way round.
const char* key_of(Framing framing, Role role) {
  return framing == Framing::twilio ? "payload" : role == Role::server ? "audio" : "delta";
}

class WebSocketReader : public AudioReader {
 public:
  WebSocketReader(Bytes early, Framing framing, Role role)
      : early_(std::move(early)),
        json_(framing != Framing::websocket),
        values_(key_of(framing, role), TextForm::base64) {}

  void feed(std::span<const std::uint8_t> bytes, Bytes& audio) override {
    Bytes payload;
    Bytes& plain = json_ ? payload : audio;
    frames_.feed(std::exchange(early_, {}), plain);
    frames_.feed(bytes, plain);
    if (json_) {
      values_.feed(payload, audio);
    }
  }

 private:
  Bytes early_;  // came together with the handshake
  bool json_;
  FrameReader frames_;
  ValueReader values_;
};

Result<Bytes> shake_hands(const Fd& socket, Role role) {
  return role == Role::client ? shake_hands_as_client(socket, local_address(socket)) : shake_hands_as_server(socket);
}

}  // namespace

MadeWriter make_websocket_writer(const StreamFormat& format, Fd socket, Role role) {
  if (const auto shaken = shake_hands(socket, role); !shaken) {
    return shaken.error();
  }
  auto writer = std::make_unique<WebSocketWriter>(std::move(socket), format.framing, role);
  if (const Status opened = writer->open(); !opened) {
    return opened.error();
  }
  return std::unique_ptr<AudioWriter>(std::move(writer));
}

MadeReader make_websocket_reader(const StreamFormat& format, const Fd& socket, Role role) {
  auto early = shake_hands(socket, role);
  if (!early) {
    return early.error();
  }
  return std::unique_ptr<AudioReader>(std::make_unique<WebSocketReader>(std::move(*early), format.framing, role));
}

}  // namespace audio_latency::examples
