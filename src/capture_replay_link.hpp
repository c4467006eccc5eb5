// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "capture_scanner.hpp"

namespace audio_latency {

// DLT_ values of libpcap that can be read: Ethernet, Linux cooked (v1, v2), raw IP, BSD loopback.
bool link_type_supported(int dlt);
bool link_type_is_loopback(int dlt);

// Turns a packet that begins with the link header of `dlt` into its Ethernet or IP view, in place. Linux cooked v2 also
// tells the interface. What the link header knows not to be IP (ARP, LLDP) becomes a packet of no IP version.
void strip_link_header(int dlt, CapturedPacket& packet);

}  // namespace audio_latency
