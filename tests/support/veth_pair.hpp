// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "fd.hpp"
#include "support/packet.hpp"

namespace audio_latency::test {

// How a frame is handed to a device.
struct FrameShape {
  std::uint16_t linear = 0;   // bytes of the packet that lie in the skb's linear part, where it is longer than a page
  std::uint16_t segment = 0;  // UDP GSO with segments of so much payload; 0: no GSO
};

// Two network namespaces joined by a veth pair: `far` (10.9.0.1) is where tests send, `near` (10.9.0.2), which the
// process is in afterwards, is where the program is attached. Gone with the process. Throws std::runtime_error.
class VethPair {
 public:
  explicit VethPair(unsigned mtu);

  std::uint32_t near_index() const { return near_index_; }
  const char* near_name() const { return "near"; }

  // A socket of the far namespace.
  Fd far_socket(int family, int type, int protocol) const;
  // A UDP socket of the far namespace, connected to a port of near.
  Fd far_udp(std::uint16_t port) const;
  // Hands an Ethernet frame, IPv4 and UDP without options, to the far device.
  void send_frame(const Bytes& frame, const FrameShape& shape) const;

 private:
  Fd far_;
  Fd near_;
  Fd packets_;
  std::uint32_t near_index_ = 0;
  int far_index_ = 0;
};

// A TCP connection from far to near through which `bytes` are sent; returns when all have arrived.
void send_stream(const VethPair& pair, const Bytes& bytes);

}  // namespace audio_latency::test
