// SPDX-License-Identifier: Apache-2.0
#include "support/frames.hpp"

#include <cstdio>
#include <cstdlib>

namespace audio_latency::test {
namespace {

// Appends big-endian fields; reads like the header it writes.
class Header {
 public:
  Header& u8(unsigned value) {
    bytes_.push_back(static_cast<char>(value));
    return *this;
  }
  Header& u16(unsigned value) { return u8(value >> 8 & 0xff).u8(value & 0xff); }
  Header& u32(std::uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
  Header& raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

std::string_view raw_address(const IpAddress& ip) {
  const std::string_view all(reinterpret_cast<const char*>(ip.bytes.data()), ip.bytes.size());
  return ip.is_ipv4() ? all.substr(12) : all;
}

std::string transport(const Frame& frame) {
  Header header;
  header.u16(frame.source.port).u16(frame.destination.port);
  if (frame.protocol == kTcp) {
    header.u32(frame.tcp_sequence).u32(1).u16(0x5010).u16(65535).u32(0);
  } else {
    header.u16(static_cast<unsigned>(frame.payload.size() + 8)).u16(0);
  }
  return header.raw(frame.payload).take();
}

unsigned ethertype(std::string_view ip) {
  return static_cast<unsigned char>(ip[0]) >> 4 == 4 ? 0x0800 : 0x86dd;
}

}  // namespace

FlowKey flow_of(const Frame& frame) {
  return {frame.source, frame.destination, frame.protocol};
}

SocketAddress address(std::string_view text) {
  const auto parsed = SocketAddress::parse(text);
  if (parsed) return *parsed;
  std::fprintf(stderr, "not an address: %.*s\n", static_cast<int>(text.size()), text.data());
  std::abort();
}

std::string ip_packet(const Frame& frame) {
  const std::string segment = transport(frame);
  Header ip;
  if (frame.source.ip.is_ipv4()) {
    ip.u8(0x45).u8(0).u16(static_cast<unsigned>(segment.size() + 20)).u16(frame.ip_id).u16(0x4000);
    ip.u8(frame.ttl).u8(frame.protocol).u16(0);
  } else {
    ip.u32(0x60000000).u16(static_cast<unsigned>(segment.size())).u8(frame.protocol).u8(frame.ttl);
  }
  ip.raw(raw_address(frame.source.ip)).raw(raw_address(frame.destination.ip));
  return ip.raw(segment).take();
}

std::string ethernet(std::string_view ip) {
  Header header;
  header.raw("\x02\x01\x01\x01\x01\x01\x02\x02\x02\x02\x02\x02").u16(ethertype(ip));
  return header.raw(ip).take();
}

std::string vxlan(Frame outer, std::string_view inner) {
  outer.protocol = kUdp;
  outer.payload = Header().u32(0x08000000).u32(42 << 8).raw(inner).take();
  return ip_packet(outer);
}

std::string geneve(Frame outer, std::string_view inner) {
  outer.protocol = kUdp;
  outer.payload = Header().u16(0).u16(0x6558).u32(42 << 8).raw(inner).take();
  return ip_packet(outer);
}

std::string rtp(std::uint8_t payload_type, std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t ssrc,
                std::string_view payload) {
  return Header().u8(0x80).u8(payload_type).u16(sequence).u32(timestamp).u32(ssrc).raw(payload).take();
}

std::string null_link(std::string_view ip) {
  const unsigned family = ethertype(ip) == 0x0800 ? 2 : 10;
  return Header().u8(family).u8(0).u16(0).raw(ip).take();
}

std::string loop_link(std::string_view ip) {
  return Header().u32(ethertype(ip) == 0x0800 ? 2 : 24).raw(ip).take();
}

std::string sll(std::string_view ip) {
  return Header().u16(0).u16(1).u16(6).u32(0).u32(0).u16(ethertype(ip)).raw(ip).take();
}

std::string sll2(std::string_view ip, std::uint32_t interface) {
  return Header().u16(ethertype(ip)).u16(0).u32(interface).u16(1).u8(0).u8(6).u32(0).u32(0).raw(ip).take();
}

}  // namespace audio_latency::test
