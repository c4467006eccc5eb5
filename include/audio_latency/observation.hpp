// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "audio_latency/net.hpp"
#include "audio_latency/wire/event.h"

namespace audio_latency {

// Nanoseconds on one time line per process: CLOCK_MONOTONIC when live, CLOCK_REALTIME of the capture on replay.
using EventTime = std::uint64_t;

enum class Domain : std::uint8_t {
  verbatim = AL_DOMAIN_VERBATIM,
  mu_law = AL_DOMAIN_MU_LAW,
  a_law = AL_DOMAIN_A_LAW,
  payload = AL_DOMAIN_PAYLOAD,
};
inline constexpr std::array kDomains = {Domain::verbatim, Domain::mu_law, Domain::a_law, Domain::payload};
std::string_view to_string(Domain domain);  // "verbatim", "mu-law", "A-law", "payload"

// Where a packet was seen.
struct CapturePoint {
  std::uint32_t node = 0;       // 0: this node; replay: index of the capture file
  std::uint32_t interface = 0;  // ifindex; replay: interface number in the file
  std::uint8_t direction = AL_INGRESS;

  auto operator<=>(const CapturePoint&) const = default;
};

// What makes two sightings the same packet (matching.md); fields as in al_event.
struct PacketIdentity {
  std::uint8_t kind = AL_IDENTITY_UDP;
  std::uint32_t stream_id = 0;
  std::uint32_t rtp_timestamp = 0;
  std::uint16_t rtp_sequence = 0;
  std::uint32_t payload_length = 0;
  std::uint32_t offset = 0;
  std::uint32_t ip_id_or_label = 0;  // IPv4: ID; IPv6: flow label

  auto operator<=>(const PacketIdentity&) const = default;
};

// One signature seen once, at one capture point.
struct Observation {
  EventTime time = 0;
  std::uint64_t signature = 0;
  Domain domain = Domain::verbatim;
  FlowKey flow;
  CapturePoint point;
  PacketIdentity packet;
  std::uint8_t ttl = 0;
  bool tunnelled = false;
  std::uint8_t leading_zeros = 0;
  std::uint16_t peak = 0;
  std::uint8_t zero_crossings = 0;
  bool learned = false;  // told of for the sake of what comes; whatever it completes is recorded by another node
  bool behind = false;   // another node sees the flow's packets before this one, and can't be heard now
};

FlowKey flow_of(const al_event& event);
PacketIdentity packet_of(const al_event& event, const FlowKey& flow);
Observation observation_of(const al_event& event);

}  // namespace audio_latency
