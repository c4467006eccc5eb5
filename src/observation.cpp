// SPDX-License-Identifier: Apache-2.0
#include "audio_latency/observation.hpp"

#include <algorithm>

#include "audio_latency/match.hpp"

namespace audio_latency {

std::string_view to_string(Domain domain) {
  switch (domain) {
    case Domain::verbatim:
      return "verbatim";
    case Domain::mu_law:
      return "mu-law";
    case Domain::a_law:
      return "A-law";
    case Domain::payload:
      return "payload";
  }
  return "unknown";
}

std::string_view to_string(MatchKind kind) {
  switch (kind) {
    case MatchKind::latency:
      return "latency";
    case MatchKind::stage:
      return "stage";
    case MatchKind::network:
      return "network";
  }
  return "unknown";
}

Observation observation_of(const al_event& event) {
  Observation seen;
  seen.time = event.time_ns;
  seen.signature = event.signature;
  seen.domain = static_cast<Domain>(event.domain);
  std::copy_n(event.source_address, 16, seen.flow.source.ip.bytes.begin());
  std::copy_n(event.destination_address, 16, seen.flow.destination.ip.bytes.begin());
  seen.flow.source.port = event.source_port;
  seen.flow.destination.port = event.destination_port;
  seen.flow.protocol = event.protocol;
  seen.point = {0, event.interface_index, event.direction};
  seen.packet.kind = event.identity;
  seen.packet.stream_id = event.stream_id;
  seen.packet.rtp_timestamp = event.rtp_timestamp;
  seen.packet.rtp_sequence = event.rtp_sequence;
  seen.packet.payload_length = event.payload_length;
  seen.packet.offset = event.offset;
  seen.packet.ip_id_or_label = seen.flow.source.ip.is_ipv4() ? event.ip_id : event.flow_label;
  seen.ttl = event.ttl;
  seen.tunnelled = event.tunnelled != 0;
  seen.leading_zeros = event.leading_zeros;
  seen.peak = event.peak;
  seen.zero_crossings = event.zero_crossings;
  return seen;
}

}  // namespace audio_latency
