// SPDX-License-Identifier: Apache-2.0
#include "identity_pod_json.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace audio_latency {
namespace {

using Json = nlohmann::json;

const Json& member(const Json& object, const char* name) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text(const Json& object, const char* name) {
  const Json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

bool ends_with(const std::string& name, const std::string& ending) {
  return name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
}

// A CronJob names its Jobs after itself and the scheduled minute (before 1.21: second) since 1970.
std::string cron_job_or_job(const std::string& job) {
  const auto dash = job.rfind('-');
  if (dash == std::string::npos || dash == 0) return job;
  const std::string digits = job.substr(dash + 1);
  const bool scheduled = (digits.size() == 8 || digits.size() == 10) &&
                         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  return scheduled ? job.substr(0, dash) : job;
}

std::string owned_workload(const Json& metadata, const Json& owner, const std::string& pod) {
  const std::string kind = text(owner, "kind");
  std::string name = text(owner, "name");
  if (kind == "ReplicaSet") {
    const std::string hash = text(member(metadata, "labels"), "pod-template-hash");
    if (!hash.empty() && ends_with(name, "-" + hash)) return name.substr(0, name.size() - hash.size() - 1);
  }
  if (kind == "Job") return cron_job_or_job(name);
  // The mirror of a static pod belongs to its node and carries the node's name at its end.
  if (kind == "Node") return ends_with(pod, "-" + name) ? pod.substr(0, pod.size() - name.size() - 1) : pod;
  return name;
}

std::string workload_of(const Json& metadata, const std::string& pod) {
  const Json& owners = member(metadata, "ownerReferences");
  for (const Json& owner : owners) {
    if (member(owner, "controller") == true) return owned_workload(metadata, owner, pod);
  }
  for (const char* label : {"app.kubernetes.io/name", "app"}) {
    std::string value = text(member(metadata, "labels"), label);
    if (!value.empty()) return value;
  }
  return pod;
}

bool all_containers_ended(const Json& status) {
  const Json& containers = member(status, "containerStatuses");
  if (!containers.is_array() || containers.empty()) return false;
  return std::all_of(containers.begin(), containers.end(), [](const Json& container) {
    return member(member(container, "state"), "terminated").is_object();
  });
}

bool is_finished(const Json& metadata, const Json& status) {
  const std::string phase = text(status, "phase");
  if (phase == "Succeeded" || phase == "Failed") return true;
  return !text(metadata, "deletionTimestamp").empty() && all_containers_ended(status);
}

std::vector<IpAddress> addresses_of(const Json& status, const char* list, const char* single) {
  std::vector<IpAddress> addresses;
  const auto add = [&addresses](const Json& value) {
    if (!value.is_string()) return;
    const auto ip = IpAddress::parse(value.get_ref<const std::string&>());
    if (ip && std::find(addresses.begin(), addresses.end(), *ip) == addresses.end()) addresses.push_back(*ip);
  };
  for (const Json& entry : member(status, list)) add(entry.is_object() ? member(entry, "ip") : entry);
  add(member(status, single));
  return addresses;
}

std::optional<PortKey> port_of(const Json& port, const char* name, const IpAddress& ip) {
  const Json& number = member(port, name);
  const std::string protocol = text(port, "protocol");
  if (!number.is_number_unsigned() || number > 65'535 || protocol == "SCTP") return std::nullopt;
  return PortKey{ip, number.get<std::uint16_t>(),
                 static_cast<std::uint16_t>(protocol == "UDP" ? IPPROTO_UDP : IPPROTO_TCP)};
}

std::vector<PortKey> declared_ports(const Json& spec, const std::vector<IpAddress>& addresses) {
  std::vector<PortKey> ports;
  for (const Json& container : member(spec, "containers")) {
    for (const Json& port : member(container, "ports")) {
      for (const IpAddress& ip : addresses) {
        if (const auto key = port_of(port, "containerPort", ip)) ports.push_back(*key);
      }
    }
  }
  return ports;
}

}  // namespace

std::optional<PodRecord> pod_of(const Json& object) {
  const Json& metadata = member(object, "metadata");
  const Json& spec = member(object, "spec");
  const Json& status = member(object, "status");
  PodRecord pod;
  pod.uid = text(metadata, "uid");
  pod.name = text(metadata, "name");
  pod.namespace_name = text(metadata, "namespace");
  if (pod.uid.empty() || pod.name.empty()) return std::nullopt;
  pod.node = text(spec, "nodeName");
  pod.workload = workload_of(metadata, pod.name);
  pod.addresses = addresses_of(status, "podIPs", "podIP");
  pod.host_network = member(spec, "hostNetwork") == true;
  pod.finished = is_finished(metadata, status);
  if (pod.host_network) pod.ports = declared_ports(spec, pod.addresses);
  return pod;
}

std::optional<ServiceRecord> service_of(const Json& object) {
  const Json& metadata = member(object, "metadata");
  const Json& spec = member(object, "spec");
  ServiceRecord service{text(metadata, "uid"), text(metadata, "name"), text(metadata, "namespace"), {}};
  if (service.uid.empty() || service.name.empty()) return std::nullopt;
  for (const IpAddress& ip : addresses_of(spec, "clusterIPs", "clusterIP")) {
    for (const Json& port : member(spec, "ports")) {
      if (const auto key = port_of(port, "port", ip)) service.ports.push_back(*key);
    }
  }
  if (service.ports.empty()) return std::nullopt;
  return service;
}

}  // namespace audio_latency
