// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "audio_latency/observation.hpp"

namespace audio_latency {

enum class EndpointKind : std::uint8_t { address, service, process, container, pod, static_name };

// Who an address is. Immutable once published in a snapshot.
struct Endpoint {
  EndpointKind kind = EndpointKind::address;
  std::string name;
  std::string namespace_name = "-";
  std::string workload = "unknown";
  std::string node = "unknown";
  std::string uid;  // pod UID, container ID, pid: tells two owners of one name apart
};

// Index of an Endpoint in the resolver's table; 0: nobody finer than the bare address:port is known.
using EndpointId = std::uint32_t;

// Equal for two addresses of one component (pod, container, process, else IP address): the link of causality
// (matching.md). 0: unknown because the addresses are all alike (loopback without a process).
using ComponentId = std::uint64_t;

struct Placement {
  EndpointId endpoint = 0;
  ComponentId component = 0;

  auto operator<=>(const Placement&) const = default;
};

struct PlacedObservation {
  Observation observation;
  Placement sender;
  Placement receiver;
  bool spoofed = false;  // sent from behind a pod's interface with an address that is not the pod's: not to be matched
};

// Names for addresses. `place` never blocks and never allocates; called by the loop thread only.
class IdentityResolver {
 public:
  virtual ~IdentityResolver() = default;
  virtual PlacedObservation place(const Observation& observation) = 0;
  // The endpoint of an id that `place` gave out; nullptr for 0 and for one that is gone.
  virtual const Endpoint* endpoint(EndpointId id) const = 0;
};

}  // namespace audio_latency
