// SPDX-License-Identifier: Apache-2.0
#include "identity_label.hpp"

namespace audio_latency {

EndpointLabel label_of(const Placement& place, const SocketAddress& address, const IdentityResolver& resolver) {
  const Endpoint* endpoint = resolver.endpoint(place.endpoint);
  if (endpoint == nullptr) return {address.to_string(), "-"};
  return {endpoint->name, endpoint->namespace_name};
}

EndpointLabel label_of(const Placement& place, const SocketAddress& address, const IdentityResolver& resolver,
                       MetricIdentity identity) {
  EndpointLabel label = label_of(place, address, resolver);
  const Endpoint* endpoint = identity == MetricIdentity::workload ? resolver.endpoint(place.endpoint) : nullptr;
  if (endpoint != nullptr && endpoint->workload != "unknown") label.pod = endpoint->workload;
  return label;
}

}  // namespace audio_latency
