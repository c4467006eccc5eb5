// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "audio_latency/endpoint.hpp"
#include "bus_message.hpp"
#include "keyed_hash.hpp"

namespace audio_latency {

// What tells packets of one flow apart, in 32 bits: of TCP the sequence number itself, else a hash.
std::uint32_t packet_number(const PacketIdentity& packet);
// What is left of a packet's identity when all that is known is its number. Every node reduces what it sees itself in
// the same way, so that a packet is the same one wherever it was seen.
PacketIdentity packet_identity(std::uint8_t kind, std::uint32_t number, std::uint16_t ip_id);

// Numbers for this node's flows, at each capture point, and for their endpoints, so that each is told to a peer once.
// No more than are in use at a time, since peers keep what they were told. Bounded. Loop thread only.
class BusFlows {
 public:
  struct Flow {
    BusView view;
    Placement sender, receiver;
    std::uint32_t sender_number = 0;  // of the endpoint
    std::uint32_t receiver_number = 0;
    std::uint32_t version = 0;  // 0: not in use; no two flows or namings have the same
    EventTime used = 0;
    EventTime behind = 0;  // when this node was last told that another sees its packets first; 0: never
  };

  // `names` must outlive this. A number means one flow for at least `life` ns after its last use.
  BusFlows(const IdentityResolver& names, std::string node, std::size_t most, EventTime life);

  // Its number from 1; 0: the table is full.
  std::uint32_t number_of(const PlacedObservation& seen);
  const Flow& operator[](std::uint32_t number) const { return flows_[number]; }
  struct Named {
    BusEndpoint told;
    EndpointId id = 0;
    std::uint32_t version = 0;  // 0: not in use; as a flow's
  };
  const Named& endpoint(std::uint32_t number) const { return endpoints_[number]; }

  // Another member says that some other node sees the flow's packets before this one. False: there is no such flow.
  bool set_behind(std::uint32_t number, EventTime now);
  // It said so not long before `heard`, when members were heard last.
  bool is_behind(std::uint32_t number, EventTime heard) const;

  BusRecord record_of(const Observation& seen, std::uint32_t flow) const;
  // The other way round, for a record that was not sent.
  PlacedObservation observation_of(const BusRecord& record) const;

 private:
  std::uint32_t add(const BusView& view, EventTime now);
  void reclaim(EventTime now);
  void reclaim_endpoints();
  std::uint32_t endpoint_number(const Placement& place);

  const IdentityResolver& names_;
  std::string node_;
  std::size_t most_;
  EventTime life_;
  KeyedHash hash_;
  struct HashView {
    const KeyedHash* hash;
    std::size_t operator()(const BusView& view) const;
  };
  std::unordered_map<BusView, std::uint32_t, HashView> numbers_{16, HashView{&hash_}};
  std::vector<Flow> flows_;  // by number
  std::vector<std::uint32_t> free_;
  std::unordered_map<EndpointId, std::uint32_t> endpoint_numbers_;
  std::vector<Named> endpoints_;  // by number
  std::vector<std::uint32_t> free_endpoints_;
  std::uint32_t last_ = 0;
  std::uint32_t versions_ = 0;
  EventTime reclaimed_ = 0;
};

// The observation that a record stands for, at the time that the record holds.
Observation observation_of(const BusRecord& record, const BusView& view);

}  // namespace audio_latency
