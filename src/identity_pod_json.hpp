// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "identity_pods.hpp"

namespace audio_latency {

// A pod as the API server describes it (core/v1 Pod). Nothing where it has no UID or no name.
std::optional<PodRecord> pod_of(const nlohmann::json& object);

struct ServiceRecord {
  std::string uid;
  std::string name;
  std::string namespace_name;
  std::vector<PortKey> ports;  // its ClusterIPs with each port
};
// core/v1 Service. Nothing for a headless one.
std::optional<ServiceRecord> service_of(const nlohmann::json& object);

}  // namespace audio_latency
