// SPDX-License-Identifier: Apache-2.0
#include "capture_replay_link.hpp"

#include <net/ethernet.h>
#include <pcap/dlt.h>

#include <algorithm>

namespace audio_latency {
namespace {

constexpr std::uint16_t kQinQ = 0x88a8;  // IEEE 802.1ad

std::uint32_t big_endian(std::span<const std::uint8_t> bytes, std::size_t offset, int size) {
  std::uint32_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | bytes[offset + static_cast<std::size_t>(i)];
  return value;
}

void skip(CapturedPacket& packet, std::size_t count) {
  packet.bytes = packet.bytes.subspan(count);
  packet.wire_length -= static_cast<std::uint32_t>(std::min<std::size_t>(count, packet.wire_length));
}

bool is_ip(std::uint32_t ethertype) {
  return ethertype == ETHERTYPE_IP || ethertype == ETHERTYPE_IPV6;
}

// What is left for the scan to call unsupported.
void not_ip(CapturedPacket& packet) {
  static constexpr std::uint8_t kNoVersion[] = {0};
  packet.bytes = kNoVersion;
  packet.wire_length = std::max(packet.wire_length, 1U);
  packet.ethernet = false;
}

// The protocol field closes the header, as the EtherType closes Ethernet's: two bytes on, the view is an Ethernet
// frame.
void strip_sll(CapturedPacket& packet) {
  constexpr std::size_t kHeader = 16;
  if (packet.bytes.size() < kHeader) return not_ip(packet);
  skip(packet, 2);
}

// The protocol field opens the header, so VLAN tags (up to two) are skipped here.
void strip_sll2(CapturedPacket& packet) {
  constexpr std::size_t kHeader = 20;
  if (packet.bytes.size() < kHeader) return not_ip(packet);
  std::uint32_t protocol = big_endian(packet.bytes, 0, 2);
  packet.point.interface = big_endian(packet.bytes, 4, 4);
  packet.ethernet = false;
  skip(packet, kHeader);
  for (int tag = 0; tag < 2 && (protocol == ETHERTYPE_VLAN || protocol == kQinQ) && packet.bytes.size() >= 4; ++tag) {
    protocol = big_endian(packet.bytes, 2, 2);
    skip(packet, 4);
  }
  if (!is_ip(protocol)) not_ip(packet);
}

// Four bytes of address family whose values and byte order differ by system: the IP version tells instead.
void strip_family(CapturedPacket& packet) {
  if (packet.bytes.size() <= 4) return not_ip(packet);
  skip(packet, 4);
  packet.ethernet = false;
}

}  // namespace

bool link_type_supported(int dlt) {
  switch (dlt) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
      return true;
    default:
      return link_type_is_loopback(dlt);
  }
}

bool link_type_is_loopback(int dlt) {
  return dlt == DLT_NULL || dlt == DLT_LOOP;
}

void strip_link_header(int dlt, CapturedPacket& packet) {
  switch (dlt) {
    case DLT_EN10MB:
      return;
    case DLT_LINUX_SLL:
      return strip_sll(packet);
    case DLT_LINUX_SLL2:
      return strip_sll2(packet);
    case DLT_NULL:
    case DLT_LOOP:
      return strip_family(packet);
    default:
      packet.ethernet = false;
  }
}

}  // namespace audio_latency
