// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "audio_latency/endpoint.hpp"
#include "bus_message.hpp"
#include "matcher_index.hpp"

namespace audio_latency {

// Numbers for this node's flows and their endpoints, so that each is told to a peer once. Bounded. Loop thread only.
class BusFlows {
 public:
  struct Flow {
    FlowKey key;
    Placement sender, receiver;
    std::uint32_t sender_number = 0;  // of the endpoint
    std::uint32_t receiver_number = 0;
    std::uint32_t version = 0;  // 0: not in use; no two flows or namings have the same
    EventTime used = 0;
  };

  // `names` must outlive this. A number means one flow for at least `life` ns after its last use.
  BusFlows(const IdentityResolver& names, std::string node, std::size_t most, EventTime life);

  // Its number from 1; 0: the table is full.
  std::uint32_t number_of(const PlacedObservation& seen);
  const Flow& operator[](std::uint32_t number) const { return flows_[number]; }
  const BusEndpoint& endpoint(std::uint32_t number) const { return endpoints_[number]; }

  BusRecord record_of(const Observation& seen, std::uint32_t flow) const;
  // The other way round; the times are whatever the record holds.
  PlacedObservation observation_of(const BusRecord& record) const;

 private:
  std::uint32_t add(const FlowKey& key, EventTime now);
  void reclaim(EventTime now);
  std::uint32_t endpoint_number(const Placement& place);

  const IdentityResolver& names_;
  std::string node_;
  std::size_t most_;
  EventTime life_;
  matching::KeyedHash hash_;
  struct HashFlow {
    const matching::KeyedHash* hash;
    std::size_t operator()(const FlowKey& key) const { return (*hash)(key); }
  };
  std::unordered_map<FlowKey, std::uint32_t, HashFlow> numbers_{16, HashFlow{&hash_}};
  std::vector<Flow> flows_;  // by number
  std::vector<std::uint32_t> free_;
  std::unordered_map<EndpointId, std::uint32_t> endpoint_numbers_;
  std::vector<BusEndpoint> endpoints_;  // by number
  std::uint32_t last_ = 0;
  std::uint32_t versions_ = 0;
  EventTime reclaimed_ = 0;
};

// What is the same in a record and an observation, time included.
void copy_record(const BusRecord& record, Observation& seen);

}  // namespace audio_latency
