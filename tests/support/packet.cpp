// SPDX-License-Identifier: Apache-2.0
#include "support/packet.hpp"

#include "audio_latency/wire/gear.h"

namespace audio_latency::test {

void append16(Bytes& bytes, std::uint32_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

void append32(Bytes& bytes, std::uint32_t value) {
  append16(bytes, value >> 16);
  append16(bytes, value & 0xffff);
}

namespace {
void append_address(Bytes& bytes, const std::string& text, bool v4) {
  const IpAddress address = IpAddress::parse(text).value();
  bytes.insert(bytes.end(), address.bytes.begin() + (v4 ? 12 : 0), address.bytes.end());
}
}  // namespace

Packet& Packet::ethernet() {
  layers_.push_back({0x6558, 0, [](const Bytes&, const Layer* next) {
                       Bytes header = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
                       append16(header, next ? next->ethernet_type : 0x88b5);
                       return header;
                     }});
  return *this;
}

Packet& Packet::vlan(std::uint16_t id, std::uint16_t type) {
  layers_.push_back({type, 0, [id](const Bytes&, const Layer* next) {
                       Bytes header;
                       append16(header, id);
                       append16(header, next ? next->ethernet_type : 0x88b5);
                       return header;
                     }});
  return *this;
}

Packet& Packet::ipv4(const Ipv4Fields& fields) {
  layers_.push_back({0x0800, 4, [fields](const Bytes& inner, const Layer* next) {
                       const std::size_t length = 20 + fields.option_bytes;
                       Bytes header = {static_cast<std::uint8_t>(0x40 | length / 4), 0};
                       append16(header, fields.total_length >= 0 ? static_cast<std::uint32_t>(fields.total_length)
                                                                 : static_cast<std::uint32_t>(length + inner.size()));
                       append16(header, fields.id);
                       append16(header, fields.fragment);
                       header.push_back(fields.ttl);
                       header.push_back(next ? next->protocol : 253);
                       append16(header, 0);
                       append_address(header, fields.source, true);
                       append_address(header, fields.destination, true);
                       header.resize(length, 1);  // option: no operation
                       return header;
                     }});
  return *this;
}

Packet& Packet::ipv6(const Ipv6Fields& fields) {
  layers_.push_back({0x86dd, 41, [fields](const Bytes& inner, const Layer* next) {
                       Bytes header;
                       append32(header, 6U << 28 | fields.flow_label);
                       append16(header, fields.payload_length >= 0 ? static_cast<std::uint32_t>(fields.payload_length)
                                                                   : static_cast<std::uint32_t>(inner.size()));
                       header.push_back(next ? next->protocol : 59);
                       header.push_back(fields.hop_limit);
                       append_address(header, fields.source, false);
                       append_address(header, fields.destination, false);
                       return header;
                     }});
  return *this;
}

Packet& Packet::extension(std::uint8_t protocol, std::size_t bytes) {
  layers_.push_back({0, protocol, [protocol, bytes](const Bytes&, const Layer* next) {
                       Bytes header = {next ? next->protocol : std::uint8_t{59}};
                       header.push_back(static_cast<std::uint8_t>(protocol == 51 ? bytes / 4 - 2 : bytes / 8 - 1));
                       header.resize(bytes);
                       return header;
                     }});
  return *this;
}

Packet& Packet::ipv6_fragment(std::uint16_t offset_and_flags) {
  layers_.push_back({0, 44, [offset_and_flags](const Bytes&, const Layer* next) {
                       Bytes header = {next ? next->protocol : std::uint8_t{59}, 0};
                       append16(header, offset_and_flags);
                       append32(header, 99);
                       return header;
                     }});
  return *this;
}

Packet& Packet::udp(std::uint16_t source, std::uint16_t destination, int length) {
  layers_.push_back({0, 17, [=](const Bytes& inner, const Layer*) {
                       Bytes header;
                       append16(header, source);
                       append16(header, destination);
                       append16(header, length >= 0 ? static_cast<std::uint32_t>(length)
                                                    : static_cast<std::uint32_t>(8 + inner.size()));
                       append16(header, 0);
                       return header;
                     }});
  return *this;
}

Packet& Packet::tcp(std::uint16_t source, std::uint16_t destination, std::uint32_t sequence, std::size_t option_bytes,
                    std::uint8_t flags) {
  layers_.push_back({0, 6, [=](const Bytes&, const Layer*) {
                       Bytes header;
                       append16(header, source);
                       append16(header, destination);
                       append32(header, sequence);
                       append32(header, 1);
                       header.push_back(static_cast<std::uint8_t>((20 + option_bytes) / 4 << 4));
                       header.push_back(flags);
                       append16(header, 65535);
                       append32(header, 0);
                       header.resize(20 + option_bytes, 1);
                       return header;
                     }});
  return *this;
}

Packet& Packet::vxlan(std::uint8_t flags) {
  layers_.push_back({0, 0, [flags](const Bytes&, const Layer*) { return Bytes{flags, 0, 0, 0, 0, 0, 42, 0}; }});
  return *this;
}

Packet& Packet::geneve(std::size_t option_bytes, std::uint16_t type) {
  layers_.push_back({0, 0, [=](const Bytes&, const Layer*) {
                       Bytes header = {static_cast<std::uint8_t>(option_bytes / 4), 0};
                       append16(header, type);
                       append32(header, 42 << 8);
                       header.resize(8 + option_bytes);
                       return header;
                     }});
  return *this;
}

Packet& Packet::rtp(const RtpFields& fields) {
  rtp_padding_ = fields.padding;
  layers_.push_back({0, 0, [fields](const Bytes&, const Layer*) {
                       const bool extended = fields.extension_words >= 0;
                       Bytes header = {static_cast<std::uint8_t>(0x80 | (fields.padding ? 0x20 : 0) |
                                                                 (extended ? 0x10 : 0) | fields.csrc),
                                       fields.payload_type};
                       append16(header, fields.sequence);
                       append32(header, fields.timestamp);
                       append32(header, fields.ssrc);
                       header.resize(header.size() + 4 * fields.csrc, 0x5c);
                       if (!extended) return header;
                       append16(header, 0xbede);
                       append16(header, static_cast<std::uint32_t>(fields.extension_words));
                       header.resize(header.size() + 4 * static_cast<std::size_t>(fields.extension_words), 0x3e);
                       return header;
                     }});
  return *this;
}

Packet& Packet::payload(const Bytes& bytes) {
  payload_ = bytes;
  return *this;
}

Packet& Packet::trailer(std::size_t bytes) {
  trailer_ = bytes;
  return *this;
}

Bytes Packet::build() const {
  Bytes packet = payload_;
  if (rtp_padding_ != 0) packet.resize(packet.size() + rtp_padding_, rtp_padding_);
  for (std::size_t at = layers_.size(); at-- > 0;) {
    const Layer* next = at + 1 < layers_.size() ? &layers_[at + 1] : nullptr;
    Bytes outer = layers_[at].header(packet, next);
    outer.insert(outer.end(), packet.begin(), packet.end());
    packet = std::move(outer);
  }
  packet.resize(packet.size() + trailer_);
  return packet;
}

Bytes random_bytes(std::size_t length, std::uint64_t seed) {
  Bytes bytes;
  bytes.reserve(length + 8);
  __u64 state = seed;
  while (bytes.size() < length) {
    const __u64 word = al_splitmix64(&state);
    for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(word >> shift));
  }
  bytes.resize(length);
  return bytes;
}

}  // namespace audio_latency::test
