// SPDX-License-Identifier: Apache-2.0
#include "capture_payload.hpp"

#include <algorithm>
#include <cstring>

namespace audio_latency {

std::optional<Payload> payload_of(std::span<const std::uint8_t> record) {
  al_payload header;
  if (record.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, record.data(), sizeof header);
  const auto bytes = record.subspan(sizeof header);
  if (header.bytes > bytes.size() || header.bytes > header.length) return std::nullopt;
  return payload_of(header, bytes.first(header.bytes));
}

Payload payload_of(const al_payload& header, std::span<const std::uint8_t> bytes) {
  const al_event& packet = header.packet;
  const FlowKey flow = flow_of(packet);
  Payload payload{.time = packet.time_ns,
                  .flow = flow,
                  .point = {0, packet.interface_index, packet.direction},
                  .tunnelled = packet.tunnelled != 0,
                  .packet = packet_of(packet, flow),
                  .ttl = packet.ttl,
                  .sequence = packet.identity == AL_IDENTITY_TCP ? packet.stream_id : 0,
                  .length = header.length,
                  .bytes = bytes};
  payload.packet.offset = 0;
  return payload;
}

al_flow_key wire_flow_key(const FlowKey& flow, const CapturePoint& point, bool tunnelled) {
  al_flow_key key{};
  std::copy(flow.source.ip.bytes.begin(), flow.source.ip.bytes.end(), key.source);
  std::copy(flow.destination.ip.bytes.begin(), flow.destination.ip.bytes.end(), key.destination);
  key.source_port = flow.source.port;
  key.destination_port = flow.destination.port;
  key.interface_index = point.interface;
  key.protocol = flow.protocol;
  key.direction = point.direction;
  key.tunnelled = tunnelled ? 1 : 0;
  return key;
}

void apply_treatment(al_flow& flow, al_treatment treatment, EventTime now) {
  const bool same = std::memcmp(&flow.treatment, &treatment, sizeof treatment) == 0;
  flow.treatment = treatment;
  flow.examined_ns = now;
  flow.sample_left = treatment.handling == AL_SAMPLE ? AL_SAMPLE_BYTES : 0;  // another look is wished
  if (same) return;
  flow.run = {};
  ++flow.version;
}

}  // namespace audio_latency
