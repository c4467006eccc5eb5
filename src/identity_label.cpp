// SPDX-License-Identifier: Apache-2.0
#include "identity_label.hpp"

namespace audio_latency {

EndpointLabel label_of(const Placement& place, const SocketAddress& address, const IdentityResolver& resolver) {
  const Endpoint* endpoint = resolver.endpoint(place.endpoint);
  if (endpoint == nullptr) return {address.to_string(), "-"};
  return {endpoint->name, endpoint->namespace_name};
}

}  // namespace audio_latency
