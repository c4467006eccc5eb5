// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "audio_latency/net.hpp"

namespace audio_latency::test {

using Bytes = std::vector<std::uint8_t>;

struct Ipv4Fields {
  std::string source = "10.0.0.1";
  std::string destination = "10.0.0.2";
  std::uint16_t id = 7;
  std::uint8_t ttl = 64;
  std::size_t option_bytes = 0;  // a multiple of 4
  std::uint16_t fragment = 0;    // flags and offset in 8-byte units, as on the wire
  int total_length = -1;         // -1: what is true
};

struct Ipv6Fields {
  std::string source = "2001:db8::1";
  std::string destination = "2001:db8::2";
  std::uint32_t flow_label = 0x12345;
  std::uint8_t hop_limit = 64;
  int payload_length = -1;
};

struct RtpFields {
  std::uint32_t ssrc = 0x11223344;
  std::uint16_t sequence = 1;
  std::uint32_t timestamp = 160;
  std::uint8_t payload_type = 0;
  std::size_t csrc = 0;
  int extension_words = -1;  // -1: no extension
  std::uint8_t padding = 0;  // bytes, 0: no padding
};

// A packet, from the outermost header to the payload. Lengths and next-protocol fields are filled in by build().
class Packet {
 public:
  Packet& ethernet();
  Packet& vlan(std::uint16_t id, std::uint16_t type = 0x8100);
  Packet& ipv4(const Ipv4Fields& fields = {});
  Packet& ipv6(const Ipv6Fields& fields = {});
  Packet& extension(std::uint8_t protocol, std::size_t bytes = 8);  // IPv6: hop-by-hop 0, routing 43, …
  Packet& ipv6_fragment(std::uint16_t offset_and_flags);            // as on the wire
  Packet& udp(std::uint16_t source, std::uint16_t destination, int length = -1);
  Packet& tcp(std::uint16_t source, std::uint16_t destination, std::uint32_t sequence, std::size_t option_bytes = 0,
              std::uint8_t flags = 0x18);
  Packet& vxlan(std::uint8_t flags = 0x08);
  Packet& geneve(std::size_t option_bytes = 0, std::uint16_t type = 0x6558);
  Packet& rtp(const RtpFields& fields = {});
  Packet& payload(const Bytes& bytes);
  Packet& trailer(std::size_t bytes);  // behind everything: Ethernet padding

  Bytes build() const;

 private:
  // Serialises a header in front of `inner`.
  struct Layer {
    std::uint16_t ethernet_type;  // what an Ethernet header in front says
    std::uint8_t protocol;        // what an IP header in front says
    std::function<Bytes(const Bytes& inner, const Layer* next)> header;
  };
  std::vector<Layer> layers_;
  Bytes payload_;
  std::size_t trailer_ = 0;
  std::uint8_t rtp_padding_ = 0;
};

void append16(Bytes& bytes, std::uint32_t value);  // big-endian
void append32(Bytes& bytes, std::uint32_t value);

// Content: `length` bytes of SplitMix64's little-endian output with `seed` (the input of the known answers: seed 1).
Bytes random_bytes(std::size_t length, std::uint64_t seed);

}  // namespace audio_latency::test
