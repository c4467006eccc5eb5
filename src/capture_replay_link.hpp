// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "audio_latency/observation.hpp"

namespace audio_latency {

// One packet of a capture file as the scan wants it. `bytes` point into the file's buffer.
struct CapturedPacket {
  EventTime time = 0;  // nanoseconds since 1970, UTC
  std::span<const std::uint8_t> bytes;
  std::uint32_t wire_length = 0;  // of the same view; longer than `bytes` where the capture cut the packet
  bool ethernet = true;           // false: begins with the IP header
  bool ip = true;                 // false: the link layer says that this is nothing of ours (ARP, LLDP)
  std::uint32_t interface = 0;    // Linux cooked v2: ifindex; pcapng: number of the interface in the file
};

// DLT_ values of libpcap that can be read: Ethernet, Linux cooked (v1, v2), raw IP, BSD loopback.
bool link_type_supported(int dlt);
bool link_type_is_loopback(int dlt);

// Turns a packet that begins with the link header of `dlt` into its Ethernet or IP view, in place.
void strip_link_header(int dlt, CapturedPacket& packet);

}  // namespace audio_latency
