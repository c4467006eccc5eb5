// SPDX-License-Identifier: Apache-2.0
#include "websocket.hpp"

#include <algorithm>

#include "http.hpp"
#include "sha1.hpp"
#include "text_coding.hpp"

namespace audio_latency::examples {
namespace {

constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kClose = 8;  // opcodes from here on are control frames

}  // namespace

std::string accept_token(const std::string& key) {
  return to_text(TextForm::base64, sha1(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
}

Result<std::vector<std::uint8_t>> shake_hands_as_client(const Fd& socket, const std::string& host) {
  std::random_device random;
  std::array<std::uint8_t, 16> nonce{};
  std::generate(nonce.begin(), nonce.end(), [&random] { return static_cast<std::uint8_t>(random()); });
  const std::string key = to_text(TextForm::base64, nonce);
  const Status sent =
      send_text(socket, "GET / HTTP/1.1\r\nHost: " + host +
                            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + key +
                            "\r\nSec-WebSocket-Version: 13\r\n\r\n");
  if (!sent) {
    return sent.error();
  }
  std::vector<std::uint8_t> rest;
  auto header = read_http_head(socket, rest);
  if (!header) {
    return header.error();
  }
  if (!header->starts_with("HTTP/1.1 101") || http_field(*header, "Sec-WebSocket-Accept") != accept_token(key)) {
    return Error{host + " did not agree to speak WebSocket: " + header->substr(0, header->find("\r\n"))};
  }
  return rest;
}

Result<std::vector<std::uint8_t>> shake_hands_as_server(const Fd& socket) {
  std::vector<std::uint8_t> rest;
  auto header = read_http_head(socket, rest);
  if (!header) {
    return header.error();
  }
  const std::string key = http_field(*header, "Sec-WebSocket-Key");
  if (key.empty()) {
    (void)send_text(socket, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    return Error{"the peer asked for something else than WebSocket"};
  }
  const Status sent = send_text(
      socket,
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
          accept_token(key) + "\r\n\r\n");
  if (!sent) {
    return sent.error();
  }
  return rest;
}

std::vector<std::uint8_t> websocket_frame(Opcode opcode, std::span<const std::uint8_t> payload,
                                          const std::optional<std::array<std::uint8_t, 4>>& mask) {
  const std::uint8_t masked = mask ? 0x80 : 0;
  const std::size_t size = payload.size();
  const int length_bytes = size < 126 ? 0 : size < 65'536 ? 2 : 8;
  const auto code = static_cast<std::uint8_t>(length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127);
  std::vector<std::uint8_t> frame{static_cast<std::uint8_t>(kFinal | static_cast<std::uint8_t>(opcode)),
                                  static_cast<std::uint8_t>(masked | code)};
  for (int i = length_bytes; i-- > 0;) {
    frame.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  }
  if (mask) {
    frame.insert(frame.end(), mask->begin(), mask->end());
  }
  for (std::size_t i = 0; i < size; ++i) {
    frame.push_back(static_cast<std::uint8_t>(payload[i] ^ (mask ? (*mask)[i % 4] : 0)));
  }
  return frame;
}

// True once `header_` holds a whole frame header, which it then takes apart.
bool FrameReader::read_header() {
  if (header_.size() < 2) {
    return false;
  }
  const std::uint8_t code = header_[1] & 0x7F;
  const std::size_t length_bytes = code == 126 ? 2 : code == 127 ? 8 : 0;
  const bool masked = (header_[1] & 0x80) != 0;
  if (header_.size() < 2 + length_bytes + (masked ? 4 : 0)) {
    return false;
  }
  remaining_ = length_bytes == 0 ? code : 0;
  for (std::size_t i = 0; i < length_bytes; ++i) {
    remaining_ = remaining_ << 8 | header_[2 + i];
  }
  mask_ = {};
  if (masked) {
    std::copy_n(header_.begin() + static_cast<std::ptrdiff_t>(2 + length_bytes), 4, mask_.begin());
  }
  const std::uint8_t opcode = header_[0] & 0x0F;
  data_ = opcode < kClose;
  closed_ = closed_ || opcode == kClose;
  position_ = 0;
  header_.clear();
  return true;
}

void FrameReader::feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& payload) {
  for (const std::uint8_t byte : bytes) {
    if (remaining_ == 0) {
      header_.push_back(byte);
      read_header();
      continue;
    }
    if (data_) {
      payload.push_back(static_cast<std::uint8_t>(byte ^ mask_[position_ % 4]));
    }
    ++position_;
    --remaining_;
  }
}

}  // namespace audio_latency::examples
