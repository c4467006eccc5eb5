// SPDX-License-Identifier: Apache-2.0
// Whole packets for tests: audio payload in, bytes as on the wire out. Checksums are left 0: nothing here checks them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audio_latency/net.hpp"

namespace audio_latency::test {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

struct Frame {
  SocketAddress source = {};  // both addresses of one family
  SocketAddress destination = {};
  std::uint8_t protocol = kUdp;
  std::string payload = {};
  std::uint16_t ip_id = 0;
  std::uint8_t ttl = 64;
  std::uint32_t tcp_sequence = 0;
};

FlowKey flow_of(const Frame& frame);
SocketAddress address(std::string_view text);  // "10.0.0.1:5004"; aborts where it is none

std::string ip_packet(const Frame& frame);
std::string ethernet(std::string_view ip_packet);
// The Ethernet frame inside a UDP datagram of `outer` (its payload is replaced), as an IP packet.
std::string vxlan(Frame outer, std::string_view inner_ethernet);   // RFC 7348
std::string geneve(Frame outer, std::string_view inner_ethernet);  // RFC 8926

// RFC 3550 §5.1: version 2, no padding, extension or CSRC.
std::string rtp(std::uint8_t payload_type, std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t ssrc,
                std::string_view payload);

// Link-layer headers in front of an IP packet.
std::string null_link(std::string_view ip_packet);  // LINKTYPE_NULL, as a little-endian host writes it
std::string loop_link(std::string_view ip_packet);  // LINKTYPE_LOOP: network byte order
std::string sll(std::string_view ip_packet);
std::string sll2(std::string_view ip_packet, std::uint32_t interface);

}  // namespace audio_latency::test
