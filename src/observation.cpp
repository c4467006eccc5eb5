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

FlowKey flow_of(const al_event& event) {
  FlowKey flow;
  std::copy_n(event.source_address, 16, flow.source.ip.bytes.begin());
  std::copy_n(event.destination_address, 16, flow.destination.ip.bytes.begin());
  flow.source.port = event.source_port;
  flow.destination.port = event.destination_port;
  flow.protocol = event.protocol;
  return flow;
}

PacketIdentity packet_of(const al_event& event, const FlowKey& flow) {
  return {.kind = event.identity,
          .stream_id = event.stream_id,
          .rtp_timestamp = event.rtp_timestamp,
          .rtp_sequence = event.rtp_sequence,
          .payload_length = event.payload_length,
          .offset = event.offset,
          .ip_id_or_label = flow.source.ip.is_ipv4() ? event.ip_id : event.flow_label};
}

Observation observation_of(const al_event& event) {
  const FlowKey flow = flow_of(event);
  return {.time = event.time_ns,
          .signature = event.signature,
          .domain = static_cast<Domain>(event.domain),
          .flow = flow,
          .point = {0, event.interface_index, event.direction},
          .packet = packet_of(event, flow),
          .ttl = event.ttl,
          .tunnelled = event.tunnelled != 0,
          .leading_zeros = event.leading_zeros,
          .peak = event.peak,
          .zero_crossings = event.zero_crossings};
}

}  // namespace audio_latency
