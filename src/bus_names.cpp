// SPDX-License-Identifier: Apache-2.0
#include "bus_names.hpp"

#include <xxhash.h>

#include "identity_flat_table.hpp"
#include "identity_static.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr std::size_t kMostForeign = 131'072;
constexpr std::size_t kMostAddresses = 131'072;
constexpr std::size_t kMostOwnEnds = 131'072;
constexpr EventTime kForeignLife = 3600 * kSecond;  // since anything referred to it
constexpr EventTime kFlowLife = 60 * kSecond;
constexpr EventTime kAddressLife = 60 * kSecond;  // after it, another owner is a new one, not a second one
constexpr EventTime kBetweenAgings = 10 * kSecond;

}  // namespace

std::size_t BusNames::HashIp::operator()(const IpAddress& ip) const {
  return XXH3_64bits_withSeed(ip.bytes.data(), ip.bytes.size(), identity_hash_seed());
}

const Endpoint* BusNames::endpoint(EndpointId id) const {
  if (id >> 30 != 1) return own_.endpoint(id);
  const std::size_t index = id & (kMark - 1);
  return index < foreign_.size() ? &foreign_[index].endpoint : nullptr;
}

// By what identifies an endpoint anywhere: the same pod named by two nodes is one component.
ComponentId BusNames::component_of(const Endpoint& endpoint) {
  std::string key = std::to_string(static_cast<int>(endpoint.kind));
  for (const std::string* part : {&endpoint.namespace_name, &endpoint.name, &endpoint.uid})
    key.append(1, '\0') += *part;
  // A process is told apart by its node too; pods and static names may be named from elsewhere.
  const bool of_node = endpoint.kind == EndpointKind::process || endpoint.kind == EndpointKind::container;
  if (of_node) key.append(1, '\0') += endpoint.node;
  return XXH3_64bits_withSeed(key.data(), key.size(), identity_hash_seed()) | 1;
}

BusNames::End BusNames::end_of(const Endpoint& endpoint, EndpointId id, bool local) {
  End end;
  end.place = {id, component_of(endpoint)};
  const EndpointKind kind = endpoint.kind;
  end.rank = kind == EndpointKind::static_name ? 4 : local ? 3 : kind == EndpointKind::service ? 1 : 2;
  end.has_address = kind == EndpointKind::pod || kind == EndpointKind::container || kind == EndpointKind::static_name;
  return end;
}

BusNames::End BusNames::own_end(const Placement& place, const std::string& node) {
  if (place.endpoint == 0) return {};
  if (const auto known = own_ends_.find(place.endpoint); known != own_ends_.end()) return known->second;
  const Endpoint* endpoint = own_.endpoint(place.endpoint);
  if (endpoint == nullptr) return {};
  const bool local =
      endpoint->kind == EndpointKind::process || endpoint->kind == EndpointKind::container || endpoint->node == node;
  Endpoint named = *endpoint;
  if (named.node == "unknown" && local) named.node = node;
  if (own_ends_.size() >= kMostOwnEnds) own_ends_.clear();
  End end = end_of(named, place.endpoint, local);
  if (end.rank >= 3) end.rank = static_cast<std::uint8_t>(end.rank + 2);  // what others say of it does not count
  return own_ends_[place.endpoint] = end;
}

BusNames::End BusNames::foreign_end(const BusEndpoint& told, EventTime now) {
  const ComponentId component = component_of(told.endpoint);
  auto known = foreign_ids_.find(component);
  if (known == foreign_ids_.end()) {
    EndpointId id = 0;
    if (!free_.empty()) {
      id = free_.back();
      free_.pop_back();
    } else if (foreign_.size() < kMostForeign) {
      id = kMark | static_cast<EndpointId>(foreign_.size());
      foreign_.emplace_back();
    } else {
      ++refused_;
      return {};
    }
    known = foreign_ids_.emplace(component, id).first;
  }
  foreign_[known->second & (kMark - 1)] = {told.endpoint, now};
  return end_of(told.endpoint, known->second, told.local);
}

void BusNames::touch(const End& end, EventTime now) {
  if (end.place.endpoint >> 30 == 1) foreign_[end.place.endpoint & (kMark - 1)].used = now;
}

void BusNames::settle(PlacedObservation& seen, const End& sender, const End& receiver, EventTime now) {
  const FlowKey& key = seen.observation.flow;
  learn_address(sender, key.source.ip, now);
  learn_address(receiver, key.destination.ip, now);
  auto known = flows_.find(key);
  if (known == flows_.end()) {
    if (flows_.size() >= most_flows_) {
      seen.sender = best(sender, key.source.ip);
      seen.receiver = best(receiver, key.destination.ip);
      return;
    }
    known = flows_.try_emplace(key).first;
  }
  Flow& flow = known->second;
  flow.used = now;
  if (sender.rank > flow.sender.rank) flow.sender = sender;
  if (receiver.rank > flow.receiver.rank) flow.receiver = receiver;
  seen.sender = best(flow.sender, key.source.ip);
  seen.receiver = best(flow.receiver, key.destination.ip);
}

Placement BusNames::best(const End& known, const IpAddress& ip) const {
  if (known.rank > 0) return known.place;
  const auto holder = addresses_.find(ip);
  if (holder != addresses_.end() && !holder->second.several) return holder->second.end.place;
  return {0, component_of_address(ip)};
}

void BusNames::learn_address(const End& end, const IpAddress& ip, EventTime now) {
  if (end.rank == 0 || !end.has_address) return;
  auto known = addresses_.find(ip);
  if (known == addresses_.end()) {
    if (addresses_.size() >= kMostAddresses) return;
    known = addresses_.try_emplace(ip, Holder{end, now, false}).first;
  }
  Holder& holder = known->second;
  if (holder.end.place.component != end.place.component) {
    if (end.rank > holder.end.rank || holder.used + kAddressLife < now) {
      holder = {end, now, false};
    } else if (end.rank == holder.end.rank) {
      holder.several = true;  // a node's own address, say: the port decides
    }
    return;
  }
  holder.used = now;
}

void BusNames::age(EventTime now) {
  if (now < aged_ + kBetweenAgings) return;
  aged_ = now;
  std::erase_if(flows_, [&](const auto& each) { return each.second.used + kFlowLife < now; });
  for (const auto& [key, flow] : flows_) {  // which may know an end from a node that is gone
    touch(flow.sender, now);
    touch(flow.receiver, now);
  }
  std::erase_if(addresses_, [&](const auto& each) { return each.second.used + 10 * kAddressLife < now; });
  std::erase_if(foreign_ids_, [&](const auto& each) {
    const bool unused = foreign_[each.second & (kMark - 1)].used + kForeignLife < now;
    if (unused) free_.push_back(each.second);
    return unused;
  });
}

}  // namespace audio_latency
