// SPDX-License-Identifier: Apache-2.0
#include "bus_flows.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <utility>

namespace audio_latency {
namespace {

constexpr EventTime kBetweenReclaims = 1'000'000'000;
constexpr EventTime kBehind = 30'000'000'000;  // told again each few seconds as long as it is so

// Not in the middle of a character of UTF-8: peers would refuse the batch.
std::string shortened(const std::string& name) {
  if (name.size() <= kBusLongestName) return name;
  std::size_t length = kBusLongestName;
  while (length > 0 && (name[length] & 0xC0) == 0x80) --length;
  return name.substr(0, length);
}

BusView view_of(const Observation& seen) {
  return {seen.flow, seen.point.interface, seen.point.direction, seen.packet.kind, seen.tunnelled};
}

}  // namespace

std::uint32_t packet_number(const PacketIdentity& packet) {
  if (packet.kind == AL_IDENTITY_TCP) return packet.stream_id;
  const std::array<std::uint32_t, 6> parts = {packet.stream_id,      packet.rtp_timestamp, packet.rtp_sequence,
                                              packet.payload_length, packet.offset,        packet.ip_id_or_label};
  // The IP ID tells packets apart only where nothing better does.
  const std::size_t used = packet.kind == AL_IDENTITY_UDP ? 6 : 5;
  return static_cast<std::uint32_t>(XXH3_64bits(parts.data(), used * sizeof parts.front()));
}

PacketIdentity packet_identity(std::uint8_t kind, std::uint32_t number, std::uint16_t ip_id) {
  PacketIdentity packet;
  packet.kind = kind;
  packet.stream_id = number;
  packet.ip_id_or_label = ip_id;
  return packet;
}

std::size_t BusFlows::HashView::operator()(const BusView& view) const {
  const std::uint64_t place =
      std::uint64_t{view.interface} << 32 | view.kind << 16U | view.direction << 8U | std::uint64_t{view.tunnelled};
  return (*hash)((*hash)(view.key), place);
}

BusFlows::BusFlows(const IdentityResolver& names, std::string node, std::size_t most, EventTime life)
    : names_(names),
      node_(std::move(node)),
      most_(std::min<std::size_t>(most, kBusHighestNumber)),
      life_(life),
      flows_(1),
      endpoints_(1) {}

std::uint32_t BusFlows::number_of(const PlacedObservation& seen) {
  const BusView view = view_of(seen.observation);
  std::uint32_t number = last_;  // events of one packet come together
  if (number == 0 || flows_[number].view != view) {
    const auto known = numbers_.find(view);
    number = known != numbers_.end() ? known->second : add(view, seen.observation.time);
    if (number == 0) return 0;
    last_ = number;
  }
  Flow& flow = flows_[number];
  flow.used = std::max(flow.used, seen.observation.time);
  if (flow.version != 0 && flow.sender == seen.sender && flow.receiver == seen.receiver) return number;
  flow.sender = seen.sender;
  flow.receiver = seen.receiver;
  flow.sender_number = endpoint_number(seen.sender);
  flow.receiver_number = endpoint_number(seen.receiver);
  flow.version = ++versions_;
  return number;
}

std::uint32_t BusFlows::add(const BusView& view, EventTime now) {
  if (free_.empty()) reclaim(now);
  std::uint32_t number = 0;
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else if (flows_.size() <= most_) {
    number = static_cast<std::uint32_t>(flows_.size());
    flows_.emplace_back();
  } else {
    return 0;
  }
  flows_[number] = {};
  flows_[number].view = view;
  numbers_[view] = number;
  return number;
}

void BusFlows::reclaim(EventTime now) {
  if (now < reclaimed_ + kBetweenReclaims) return;
  reclaimed_ = now;
  for (std::uint32_t number = 1; number < flows_.size(); ++number) {
    Flow& flow = flows_[number];
    if (flow.version == 0 || flow.used + life_ > now) continue;
    numbers_.erase(flow.view);
    flow.version = 0;
    free_.push_back(number);
  }
  last_ = 0;
  reclaim_endpoints();
}

// Those that no flow has.
void BusFlows::reclaim_endpoints() {
  std::vector<bool> held(endpoints_.size());
  for (const Flow& flow : flows_) {
    if (flow.version != 0) held[flow.sender_number] = held[flow.receiver_number] = true;
  }
  for (std::uint32_t number = 1; number < endpoints_.size(); ++number) {
    if (held[number] || endpoints_[number].version == 0) continue;
    endpoint_numbers_.erase(endpoints_[number].id);
    endpoints_[number].version = 0;
    free_endpoints_.push_back(number);
  }
}

bool BusFlows::set_behind(std::uint32_t number, EventTime now) {
  if (number == 0 || number >= flows_.size() || flows_[number].version == 0) return false;
  flows_[number].behind = now;
  return true;
}

bool BusFlows::is_behind(std::uint32_t number, EventTime heard) const {
  return flows_[number].behind != 0 && flows_[number].behind + kBehind >= heard;
}

std::uint32_t BusFlows::endpoint_number(const Placement& place) {
  const Endpoint* endpoint = place.endpoint == 0 ? nullptr : names_.endpoint(place.endpoint);
  if (endpoint == nullptr) return 0;
  const auto known = endpoint_numbers_.find(place.endpoint);
  if (known != endpoint_numbers_.end()) return known->second;
  if (free_endpoints_.empty()) {
    if (endpoints_.size() > kBusHighestNumber) return 0;
    free_endpoints_.push_back(static_cast<std::uint32_t>(endpoints_.size()));
    endpoints_.emplace_back();
  }
  BusEndpoint told;
  told.number = free_endpoints_.back();
  free_endpoints_.pop_back();
  const bool here = endpoint->kind == EndpointKind::process || endpoint->kind == EndpointKind::container;
  told.local = here || endpoint->node == node_;
  told.endpoint = {endpoint->kind,
                   shortened(endpoint->name),
                   shortened(endpoint->namespace_name),
                   shortened(endpoint->workload),
                   here && endpoint->node == "unknown" ? node_ : shortened(endpoint->node),
                   shortened(endpoint->uid)};
  endpoints_[told.number] = {told, place.endpoint, ++versions_};
  endpoint_numbers_.emplace(place.endpoint, told.number);
  return told.number;
}

BusRecord BusFlows::record_of(const Observation& seen, std::uint32_t flow) const {
  BusRecord record;
  record.time_ns = static_cast<std::int64_t>(seen.time);
  record.signature = seen.signature;
  record.flow = flow;
  record.packet = packet_number(seen.packet);
  record.ip_id = static_cast<std::uint16_t>(seen.packet.ip_id_or_label);
  record.domain = seen.domain;
  record.ttl = seen.ttl;
  record.learned = seen.learned;
  return record;
}

Observation observation_of(const BusRecord& record, const BusView& view) {
  Observation seen;
  seen.time = static_cast<EventTime>(record.time_ns);
  seen.signature = record.signature;
  seen.domain = record.domain;
  seen.flow = view.key;
  seen.point.interface = view.interface;
  seen.point.direction = view.direction;
  seen.packet = packet_identity(view.kind, record.packet, record.ip_id);
  seen.ttl = record.ttl;
  seen.tunnelled = view.tunnelled;
  seen.learned = record.learned;
  return seen;
}

PlacedObservation BusFlows::observation_of(const BusRecord& record) const {
  const Flow& flow = flows_[record.flow];
  PlacedObservation placed;
  placed.observation = audio_latency::observation_of(record, flow.view);
  placed.sender = flow.sender;
  placed.receiver = flow.receiver;
  return placed;
}

}  // namespace audio_latency
