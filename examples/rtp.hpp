// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace audio_latency::examples {

// The fixed header of RFC 3550 §5.1, host byte order.
struct RtpHeader {
  std::uint8_t payload_type = 0;
  bool marker = false;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;  // samples
  std::uint32_t ssrc = 0;
};
constexpr std::size_t kRtpHeaderSize = 12;

std::array<std::uint8_t, kRtpHeaderSize> encode(const RtpHeader& header);

// What an RTP packet carries, without CSRCs, extension and padding; empty where it is not version 2 or contradicts
// itself.
std::span<const std::uint8_t> rtp_payload(std::span<const std::uint8_t> packet);

}  // namespace audio_latency::examples
