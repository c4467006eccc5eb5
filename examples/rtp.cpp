// SPDX-License-Identifier: Apache-2.0
#include "rtp.hpp"

namespace audio_latency::examples {

std::array<std::uint8_t, kRtpHeaderSize> encode(const RtpHeader& header) {
  std::array<std::uint8_t, kRtpHeaderSize> bytes{};
  bytes[0] = 2 << 6;
  bytes[1] = static_cast<std::uint8_t>(header.payload_type | (header.marker ? 0x80 : 0));
  bytes[2] = static_cast<std::uint8_t>(header.sequence >> 8);
  bytes[3] = static_cast<std::uint8_t>(header.sequence);
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[4 + i] = static_cast<std::uint8_t>(header.timestamp >> (24 - 8 * i));
    bytes[8 + i] = static_cast<std::uint8_t>(header.ssrc >> (24 - 8 * i));
  }
  return bytes;
}

std::span<const std::uint8_t> rtp_payload(std::span<const std::uint8_t> packet) {
  if (packet.size() < kRtpHeaderSize || packet[0] >> 6 != 2) {
    return {};
  }
  std::size_t header = kRtpHeaderSize + 4U * (packet[0] & 0x0F);
  if ((packet[0] & 0x10) != 0) {
    if (packet.size() < header + 4) {
      return {};
    }
    header += 4 + 4U * (packet[header + 2] << 8 | packet[header + 3]);
  }
  const std::size_t padding = (packet[0] & 0x20) != 0 ? packet.back() : 0;
  if (packet.size() < header + padding) {
    return {};
  }
  return packet.subspan(header, packet.size() - header - padding);
}

}  // namespace audio_latency::examples
