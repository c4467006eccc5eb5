// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "capture_scanner.hpp"
#include "support/oracle.hpp"
#include "support/packet.hpp"

namespace audio_latency::test {

// Keeps what a scanner observes.
struct Collector : ObservationSink {
  std::vector<Observation> seen;
  void on_observation(const Observation& observation) override { seen.push_back(observation); }
  std::vector<Selected> selected() const {
    std::vector<Selected> all;
    for (const Observation& one : seen) all.push_back({one.packet.offset, one.leading_zeros, one.signature});
    return all;
  }
};

inline std::unique_ptr<al_port_table> all_ports(al_format format = AL_FORMAT_RAW) {
  auto table = std::make_unique<al_port_table>();
  std::fill(std::begin(table->format), std::end(table->format), static_cast<std::uint8_t>(format));
  return table;
}

inline CapturedPacket captured(const Bytes& bytes, EventTime time = 1) {
  CapturedPacket packet;
  packet.bytes = bytes;
  packet.wire_length = static_cast<std::uint32_t>(bytes.size());
  packet.time = time;
  return packet;
}

inline std::vector<Selected> scan_udp(const Bytes& payload, const al_settings& settings) {
  PacketScanner scanner(settings, *all_ports());
  Collector sink;
  const Bytes packet = Packet().ethernet().ipv4().udp(1000, 2000).payload(payload).build();
  scanner.scan(captured(packet), sink);
  return sink.selected();
}

// The input of the specification's known answers.
inline Bytes known_input() {
  return random_bytes(4096, 1);
}

}  // namespace audio_latency::test
