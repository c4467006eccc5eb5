// SPDX-License-Identifier: Apache-2.0
#include "audio_format.hpp"

#include <bit>
#include <random>

#include "audio_latency/wire/g711.h"
#include "rtp.hpp"
#include "websocket.hpp"

namespace audio_latency::examples {
namespace {

class RtpWriter : public AudioWriter {
 public:
  RtpWriter(Fd socket, std::uint8_t payload_type) : socket_(std::move(socket)) {
    std::random_device random;
    header_ = {payload_type, true, static_cast<std::uint16_t>(random()), random(), random()};
  }

  Status write(std::span<const std::uint8_t> audio) override {
    const auto header = encode(header_);
    std::vector<std::uint8_t> packet(header.begin(), header.end());
    packet.insert(packet.end(), audio.begin(), audio.end());
    ++header_.sequence;
    header_.timestamp += static_cast<std::uint32_t>(audio.size());
    header_.marker = false;
    return send_all(socket_, packet);
  }

 private:
  Fd socket_;
  RtpHeader header_;
};

class RawWriter : public AudioWriter {
 public:
  explicit RawWriter(Fd socket) : socket_(std::move(socket)) {}
  Status write(std::span<const std::uint8_t> audio) override { return send_all(socket_, audio); }

 private:
  Fd socket_;
};

class WebSocketWriter : public AudioWriter {
 public:
  WebSocketWriter(Fd socket, Role role) : socket_(std::move(socket)), role_(role) {}

  Status write(std::span<const std::uint8_t> audio) override {
    if (role_ == Role::server) {
      return send_all(socket_, binary_frame(audio, std::nullopt));
    }
    const std::uint32_t key = random_();  // a new one for each frame (RFC 6455 §5.3)
    return send_all(socket_, binary_frame(audio, std::bit_cast<std::array<std::uint8_t, 4>>(key)));
  }

 private:
  Fd socket_;
  Role role_;
  std::random_device random_;
};

class RtpReader : public AudioReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    const auto payload = rtp_payload(bytes);
    audio.insert(audio.end(), payload.begin(), payload.end());
  }
};

class RawReader : public AudioReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    audio.insert(audio.end(), bytes.begin(), bytes.end());
  }
};

class WebSocketReader : public AudioReader {
 public:
  explicit WebSocketReader(std::vector<std::uint8_t> early) : early_(std::move(early)) {}

  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    frames_.feed(std::exchange(early_, {}), audio);
    frames_.feed(bytes, audio);
  }

 private:
  std::vector<std::uint8_t> early_;  // came together with the handshake
  FrameReader frames_;
};

Result<std::vector<std::uint8_t>> shake_hands(const Fd& socket, Role role) {
  return role == Role::client ? shake_hands_as_client(socket, local_address(socket)) : shake_hands_as_server(socket);
}

}  // namespace

const std::map<std::string, Framing>& framing_names() {
  static const std::map<std::string, Framing> names{
      {"rtp", Framing::rtp}, {"udp", Framing::udp}, {"tcp", Framing::tcp}, {"websocket", Framing::websocket}};
  return names;
}

const std::map<std::string, Codec>& codec_names() {
  static const std::map<std::string, Codec> names{
      {"pcmu", Codec::pcmu}, {"pcma", Codec::pcma}, {"pcm16", Codec::pcm16}};
  return names;
}

Transport transport_of(Framing framing) {
  return framing == Framing::rtp || framing == Framing::udp ? Transport::udp : Transport::tcp;
}

std::size_t bytes_per_sample(Codec codec) {
  return codec == Codec::pcm16 ? 2 : 1;
}

std::vector<std::uint8_t> encode(Codec codec, std::span<const std::int16_t> samples) {
  std::vector<std::uint8_t> bytes;
  bytes.reserve(samples.size() * bytes_per_sample(codec));
  for (const std::int16_t sample : samples) {
    if (codec == Codec::pcm16) {
      bytes.push_back(static_cast<std::uint8_t>(sample));
      bytes.push_back(static_cast<std::uint8_t>(sample >> 8));
    } else {
      bytes.push_back(codec == Codec::pcmu ? al_mu_law_encode(sample) : al_a_law_encode(sample));
    }
  }
  return bytes;
}

Result<std::unique_ptr<AudioWriter>> make_writer(Framing framing, Codec codec, Fd socket, Role role) {
  if (framing == Framing::rtp) {
    return std::unique_ptr<AudioWriter>(
        std::make_unique<RtpWriter>(std::move(socket), static_cast<std::uint8_t>(codec == Codec::pcma ? 8 : 0)));
  }
  if (framing != Framing::websocket) {
    return std::unique_ptr<AudioWriter>(std::make_unique<RawWriter>(std::move(socket)));
  }
  if (const auto shaken = shake_hands(socket, role); !shaken) {
    return shaken.error();
  }
  return std::unique_ptr<AudioWriter>(std::make_unique<WebSocketWriter>(std::move(socket), role));
}

Result<std::unique_ptr<AudioReader>> make_reader(Framing framing, const Fd& socket, Role role) {
  if (framing == Framing::rtp) {
    return std::unique_ptr<AudioReader>(std::make_unique<RtpReader>());
  }
  if (framing != Framing::websocket) {
    return std::unique_ptr<AudioReader>(std::make_unique<RawReader>());
  }
  auto early = shake_hands(socket, role);
  if (!early) {
    return early.error();
  }
  return std::unique_ptr<AudioReader>(std::make_unique<WebSocketReader>(std::move(*early)));
}

}  // namespace audio_latency::examples
