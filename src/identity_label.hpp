// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "audio_latency/endpoint.hpp"
#include "audio_latency/match.hpp"
#include "audio_latency/options.hpp"

namespace audio_latency {

// How metrics, logs and JSON call one end of a flow: the endpoint's name and namespace, or "addr:port" and "-".
struct EndpointLabel {
  std::string pod;
  std::string namespace_name;
  bool operator==(const EndpointLabel&) const = default;
};
EndpointLabel label_of(const Placement& place, const SocketAddress& address, const IdentityResolver& resolver);
// The same by workload, where there is one: fewer series (METRIC_IDENTITY).
EndpointLabel label_of(const Placement& place, const SocketAddress& address, const IdentityResolver& resolver,
                       MetricIdentity identity);

}  // namespace audio_latency
