// SPDX-License-Identifier: Apache-2.0
#include "identity_services.hpp"

#include <utility>

namespace audio_latency {

void ServiceDirectory::upsert(const ServiceRecord& service) {
  const std::lock_guard lock(mutex_);
  const EndpointId id = registry_.acquire(
      "service:" + service.uid,
      {EndpointKind::service, service.name, service.namespace_name, service.name, "unknown", service.uid});
  services_[service.uid] = {id, list_, service.ports};
  changed_ = true;
}

void ServiceDirectory::remove(const std::string& uid, EventTime now) {
  const std::lock_guard lock(mutex_);
  const auto known = services_.find(uid);
  if (known == services_.end()) return;
  registry_.release(known->second.id, now);
  services_.erase(known);
  changed_ = true;
}

void ServiceDirectory::begin_list() {
  const std::lock_guard lock(mutex_);
  ++list_;
}

void ServiceDirectory::end_list(EventTime now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(services_, [this, now](const auto& entry) {
    if (entry.second.list == list_) return false;
    registry_.release(entry.second.id, now);
    changed_ = true;
    return true;
  });
}

bool ServiceDirectory::take_changed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(changed_, false);
}

std::shared_ptr<const ServiceTable> ServiceDirectory::services() const {
  const std::lock_guard lock(mutex_);
  auto table = std::make_shared<ServiceTable>();
  for (const auto& [uid, service] : services_) {
    for (const PortKey& port : service.ports) table->ports.insert(port) = service.id;
  }
  return table;
}

}  // namespace audio_latency
