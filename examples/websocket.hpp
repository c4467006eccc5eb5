// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "socket.hpp"

namespace audio_latency::examples {

// Opening handshake of RFC 6455 §4. Both block for at most 10 s. Bytes that came behind the peer's header are given
// back: its first frames.
Result<std::vector<std::uint8_t>> shake_hands_as_client(const Fd& socket, const std::string& host);
Result<std::vector<std::uint8_t>> shake_hands_as_server(const Fd& socket);

// base64(SHA-1(key + GUID)), RFC 6455 §4.2.2.
std::string accept_token(const std::string& key);

enum class Opcode : std::uint8_t { text = 1, binary = 2 };

// One final frame (§5.2); a client passes a masking key.
std::vector<std::uint8_t> websocket_frame(Opcode opcode, std::span<const std::uint8_t> payload,
                                          const std::optional<std::array<std::uint8_t, 4>>& mask);

// Bytes of a stream in, payload of its data frames out. Control frames are passed over.
class FrameReader {
 public:
  // Appends the unmasked payload of text, binary and continuation frames, also of a frame that is not yet complete.
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& payload);
  bool closed() const { return closed_; }

 private:
  bool read_header();

  std::vector<std::uint8_t> header_;
  std::array<std::uint8_t, 4> mask_{};
  std::uint64_t remaining_ = 0;  // of the current frame's payload
  std::uint64_t position_ = 0;   // in the current frame's payload
  bool data_ = false;            // the current frame holds data
  bool closed_ = false;
};

}  // namespace audio_latency::examples
