// SPDX-License-Identifier: Apache-2.0
#include "bus_flows.hpp"

#include <algorithm>
#include <utility>

namespace audio_latency {
namespace {

constexpr EventTime kBetweenReclaims = 1'000'000'000;

std::string shortened(const std::string& name) {
  return name.substr(0, kBusLongestName);
}

}  // namespace

BusFlows::BusFlows(const IdentityResolver& names, std::string node, std::size_t most, EventTime life)
    : names_(names),
      node_(std::move(node)),
      most_(std::min<std::size_t>(most, kBusHighestNumber)),
      life_(life),
      flows_(1),
      endpoints_(1) {}

std::uint32_t BusFlows::number_of(const PlacedObservation& seen) {
  const FlowKey& key = seen.observation.flow;
  std::uint32_t number = last_;  // events of one packet come together
  if (number == 0 || flows_[number].key != key) {
    const auto known = numbers_.find(key);
    number = known != numbers_.end() ? known->second : add(key, seen.observation.time);
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

std::uint32_t BusFlows::add(const FlowKey& key, EventTime now) {
  if (free_.empty() && flows_.size() > most_) reclaim(now);
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
  flows_[number].key = key;
  numbers_[key] = number;
  return number;
}

void BusFlows::reclaim(EventTime now) {
  if (now < reclaimed_ + kBetweenReclaims) return;
  reclaimed_ = now;
  for (std::uint32_t number = 1; number < flows_.size(); ++number) {
    Flow& flow = flows_[number];
    if (flow.version == 0 || flow.used + life_ > now) continue;
    numbers_.erase(flow.key);
    flow.version = 0;
    free_.push_back(number);
  }
  last_ = 0;
}

std::uint32_t BusFlows::endpoint_number(const Placement& place) {
  const Endpoint* endpoint = place.endpoint == 0 ? nullptr : names_.endpoint(place.endpoint);
  if (endpoint == nullptr) return 0;
  const auto known = endpoint_numbers_.find(place.endpoint);
  if (known != endpoint_numbers_.end()) return known->second;
  if (endpoints_.size() > kBusHighestNumber) return 0;
  BusEndpoint told;
  told.number = static_cast<std::uint32_t>(endpoints_.size());
  const bool here = endpoint->kind == EndpointKind::process || endpoint->kind == EndpointKind::container;
  told.local = here || endpoint->node == node_;
  told.endpoint = {endpoint->kind,
                   shortened(endpoint->name),
                   shortened(endpoint->namespace_name),
                   shortened(endpoint->workload),
                   here && endpoint->node == "unknown" ? node_ : shortened(endpoint->node),
                   shortened(endpoint->uid)};
  endpoints_.push_back(told);
  endpoint_numbers_.emplace(place.endpoint, told.number);
  return told.number;
}

BusRecord BusFlows::record_of(const Observation& seen, std::uint32_t flow) const {
  BusRecord record;
  record.time_ns = static_cast<std::int64_t>(seen.time);
  record.signature = seen.signature;
  record.flow = flow;
  record.interface = seen.point.interface;
  record.packet = seen.packet;
  record.domain = seen.domain;
  record.direction = seen.point.direction;
  record.ttl = seen.ttl;
  record.leading_zeros = seen.leading_zeros;
  record.tunnelled = seen.tunnelled;
  record.learned = seen.learned;
  return record;
}

void copy_record(const BusRecord& record, Observation& seen) {
  seen.time = static_cast<EventTime>(record.time_ns);
  seen.signature = record.signature;
  seen.domain = record.domain;
  seen.point.interface = record.interface;
  seen.point.direction = record.direction;
  seen.packet = record.packet;
  seen.ttl = record.ttl;
  seen.leading_zeros = record.leading_zeros;
  seen.tunnelled = record.tunnelled;
  seen.learned = record.learned;
}

PlacedObservation BusFlows::observation_of(const BusRecord& record) const {
  const Flow& flow = flows_[record.flow];
  PlacedObservation placed;
  copy_record(record, placed.observation);
  placed.observation.flow = flow.key;
  placed.sender = flow.sender;
  placed.receiver = flow.receiver;
  return placed;
}

}  // namespace audio_latency
