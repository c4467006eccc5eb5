// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "audio_latency/endpoint.hpp"
#include "bus_message.hpp"
#include "keyed_hash.hpp"

namespace audio_latency {

// Who is who, from what all nodes tell: the sender's node names the sender, the receiver's node the receiver. Gives
// each flow one pair of placements, whichever node saw it, with components that are equal across nodes. Bounded.
// Loop thread only.
class BusNames : public IdentityResolver {
 public:
  // One end of a flow as one node knows it; the higher rank is believed, the first among equals. 0: the bare address.
  struct End {
    Placement place;
    std::uint8_t rank = 0;
    bool has_address = false;  // whoever has the IP address is this endpoint: true for pods, not for processes
  };

  // `own` names what this node sees itself, and must outlive this.
  explicit BusNames(IdentityResolver& own, std::size_t most_flows = 40'000) : own_(own), most_flows_(most_flows) {}

  PlacedObservation place(const Observation& observation) override { return own_.place(observation); }
  const Endpoint* endpoint(EndpointId id) const override;

  End own_end(const Placement& place, const std::string& node);
  // An endpoint that another node told of; the bare address where the table is full.
  End foreign_end(const BusEndpoint& endpoint, EventTime now);
  void touch(const End& end, EventTime now);

  // Puts the placements that the flow has by all that is known.
  void settle(PlacedObservation& seen, const End& sender, const End& receiver, EventTime now);
  void age(EventTime now);  // once in a while

  std::uint64_t refused() const { return refused_; }

 private:
  static constexpr EndpointId kMark = 1U << 30;  // ids of the registry have bit 31, static names neither
  struct Foreign {
    Endpoint endpoint;
    EventTime used = 0;
  };
  struct Flow {
    End sender, receiver;
    EventTime used = 0;
  };
  struct Holder {
    End end;
    EventTime used = 0;
    bool several = false;
  };
  struct HashFlow {
    const KeyedHash* hash;
    std::size_t operator()(const FlowKey& key) const { return (*hash)(key); }
  };
  struct HashIp {
    std::size_t operator()(const IpAddress& ip) const;
  };

  static ComponentId component_of(const Endpoint& endpoint);
  static End end_of(const Endpoint& endpoint, EndpointId id, bool local);
  Placement best(const End& known, const IpAddress& ip) const;
  void learn_address(const End& end, const IpAddress& ip, EventTime now);

  IdentityResolver& own_;
  std::size_t most_flows_;
  KeyedHash hash_;
  std::unordered_map<FlowKey, Flow, HashFlow> flows_{16, HashFlow{&hash_}};
  std::unordered_map<IpAddress, Holder, HashIp> addresses_;
  std::unordered_map<EndpointId, End> own_ends_;
  std::unordered_map<ComponentId, EndpointId> foreign_ids_;
  std::vector<Foreign> foreign_;
  std::vector<EndpointId> free_;
  EventTime aged_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace audio_latency
