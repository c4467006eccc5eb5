// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>

#include "identity_pod_json.hpp"
#include "identity_registry.hpp"
#include "identity_snapshot.hpp"

namespace audio_latency {

// Services by their ClusterIP and port. Any thread.
class ServiceDirectory {
 public:
  explicit ServiceDirectory(EndpointRegistry& registry) : registry_(registry) {}

  void upsert(const ServiceRecord& service);
  void remove(const std::string& uid, EventTime now);
  void begin_list();
  void end_list(EventTime now);

  bool take_changed();
  std::shared_ptr<const ServiceTable> services() const;

 private:
  struct Service {
    EndpointId id = 0;
    std::uint32_t list = 0;
    std::vector<PortKey> ports;
  };

  EndpointRegistry& registry_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Service> services_;  // by UID
  std::uint32_t list_ = 0;
  bool changed_ = false;
};

}  // namespace audio_latency
