// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audio_latency/net.hpp"
#include "audio_latency/result.hpp"

namespace audio_latency::truth {

// One packet of a capture, as far as the truth needs it. IPv4 over Ethernet, as on lo and veth.
struct Packet {
  std::int64_t time_ns = 0;  // the kernel's stamp, CLOCK_REALTIME
  FlowKey flow;
  std::uint32_t sequence = 0;  // TCP
  bool syn = false;            // TCP
  std::vector<std::uint8_t> payload;
};

// The audio of one flow in order, each byte with the packet that carried it (text: its last character).
struct Audio {
  std::vector<std::uint8_t> bytes;
  std::vector<std::int64_t> packet_times;
  std::vector<std::uint32_t> packet_of_byte;

  std::int64_t time_of(std::size_t position) const { return packet_times[packet_of_byte[position]]; }
};

// All packets of a capture file by flow. An error names the file.
Result<std::map<FlowKey, std::vector<Packet>>> read_flows(const std::string& file);

// Takes the audio out: `framing` as audio-source spells it. Datagrams must come in order, without a gap; a TCP stream
// must be there from its SYN.
Result<Audio> audio_of(const std::vector<Packet>& packets, const std::string& framing);

// Takes a framing over TCP off a whole stream.
Audio unwrap(Audio stream, const std::string& framing);

}  // namespace audio_latency::truth
