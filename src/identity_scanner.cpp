// SPDX-License-Identifier: Apache-2.0
#include "identity_scanner.hpp"

#include <unistd.h>

namespace audio_latency {
namespace {

constexpr std::uint32_t kSeveralNetworks = ~0U;  // an address that two namespaces have: no telling whose it is

}  // namespace

LocalScanner::LocalScanner(Settings settings, EndpointRegistry& registry, const PodDirectory& pods)
    : settings_(std::move(settings)), registry_(registry), pods_(pods), names_(settings_.state_root) {
  // Where the tracker itself runs in a container with others' processes beside it, that container names nobody.
  if (const auto own = container_of_process("/proc", static_cast<std::uint32_t>(getpid()))) own_container_ = own->id;
}

std::shared_ptr<const LocalTable> LocalScanner::scan(EventTime now) {
  ++scan_;
  limits_.clear();
  of_pid_.clear();
  const auto pids = list_processes(settings_.proc_root);
  const auto found = networks(pids);
  learn_owners(pids, found);
  auto table = std::make_shared<LocalTable>();
  table->taken = now;
  std::uint32_t index = 0;
  for (const Network& network : found) add(*table, network, index++);
  forget(now);
  return table;
}

std::vector<LocalScanner::Network> LocalScanner::networks(const std::vector<std::uint32_t>& pids) {
  std::map<std::uint64_t, std::vector<std::uint32_t>> members;
  for (const std::uint32_t pid : pids) {
    if (const auto inode = network_namespace(settings_.proc_root, pid)) members[*inode].push_back(pid);
  }
  std::vector<Network> found(1);
  found[0].inode = network_namespace("/proc", static_cast<std::uint32_t>(getpid())).value_or(0);
  found[0].pids = std::move(members[found[0].inode]);
  members.erase(found[0].inode);
  if (auto picture = picture_of_this_network()) {
    found[0].picture = std::move(*picture);
  } else {
    limits_ = picture.error().message;
  }
  for (auto& [inode, inhabitants] : members) {
    const std::string file = settings_.proc_root + "/" + std::to_string(inhabitants.front()) + "/ns/net";
    auto picture = picture_of_network(file);
    if (picture) {
      found.push_back({inode, std::move(inhabitants), std::move(*picture)});
    } else if (limits_.empty()) {
      limits_ = picture.error().message;
    }
  }
  return found;
}

void LocalScanner::learn_owners(const std::vector<std::uint32_t>& pids, const std::vector<Network>& networks) {
  const std::unordered_set<std::uint32_t> alive(pids.begin(), pids.end());
  std::unordered_map<std::uint32_t, std::uint32_t> still;
  std::unordered_set<std::uint32_t> ownerless;
  std::unordered_set<std::uint32_t> wanted;
  for (const Network& network : networks) {
    for (const OpenSocket& socket : network.picture.sockets) {
      const auto owner = owners_.find(socket.inode);
      if (owner != owners_.end() && alive.contains(owner->second)) {
        still.insert(*owner);
      } else if (ownerless_.contains(socket.inode)) {
        ownerless.insert(socket.inode);
      } else {
        wanted.insert(socket.inode);
      }
    }
  }
  owners_ = std::move(still);
  ownerless_ = std::move(ownerless);
  if (wanted.empty()) return;
  const auto found = owners_of_sockets(settings_.proc_root, pids, wanted);
  for (const std::uint32_t inode : wanted) {
    const auto owner = found.pid_of.find(inode);
    if (owner != found.pid_of.end()) {
      owners_.insert(*owner);
    } else {
      ownerless_.insert(inode);
    }
  }
  if (found.refused > 0 && limits_.empty()) {
    limits_ = "some processes' files can't be read (CAP_SYS_PTRACE): their sockets have no name";
  }
}

void LocalScanner::add(LocalTable& table, const Network& network, std::uint32_t index) {
  const EndpointId container = index == 0 ? 0 : only_container(network);
  for (const IpAddress& ip : network.picture.addresses) {
    if (ip.is_loopback() && index != 0) continue;
    const auto* known = table.networks.find(ip);
    const std::uint32_t place = known != nullptr && *known != index ? kSeveralNetworks : index;
    table.networks.insert(ip) = place;
    if (container != 0) table.containers.insert(ip) = place == index ? container : 0;
  }
  for (const OpenSocket& socket : network.picture.sockets) {
    const auto owner = owners_.find(socket.inode);
    if (owner == owners_.end()) continue;
    SocketKey key = socket.key;
    key.network = index;
    if (const EndpointId id = endpoint_of_process(owner->second)) table.sockets.insert(key) = id;
  }
}

// The container of a namespace of its own; 0 where processes outside containers, or several containers, live in it.
EndpointId LocalScanner::only_container(const Network& network) {
  std::string id;
  std::optional<ContainerReference> found;
  for (const std::uint32_t pid : network.pids) {
    auto container = container_of_process(settings_.proc_root, pid);
    if (!container) return 0;
    if (!id.empty() && container->id != id) return 0;
    id = container->id;
    found = std::move(container);
  }
  return found ? container_endpoint(*found) : 0;
}

EndpointId LocalScanner::endpoint_of_process(std::uint32_t pid) {
  const auto [entry, fresh] = of_pid_.try_emplace(pid, 0);
  if (!fresh) return entry->second;
  const auto container = container_of_process(settings_.proc_root, pid);
  EndpointId id = 0;
  if (container && container->id != own_container_) {
    id = container_endpoint(*container);
  } else if (const auto process = describe_process(settings_.proc_root, pid)) {
    id = process_endpoint(*process);
  }
  of_pid_[pid] = id;
  return id;
}

EndpointId LocalScanner::container_endpoint(const ContainerReference& container) {
  if (!container.pod_uid.empty()) {
    if (const EndpointId pod = pods_.find(container.pod_uid)) return pod;
  }
  const ContainerName& name = names_.find(container.id);
  return remember("container:" + container.id,
                  {EndpointKind::container, name.name, name.namespace_name, name.name, settings_.node, container.id});
}

EndpointId LocalScanner::process_endpoint(const ProcessDescription& process) {
  const std::string pid = std::to_string(process.pid);
  return remember(
      "process:" + pid + ":" + std::to_string(process.start_time),
      {EndpointKind::process, process.command + "[" + pid + "]", "-", process.command, settings_.node, pid});
}

EndpointId LocalScanner::remember(const std::string& key, Endpoint endpoint) {
  Known& known = known_[key];
  known.id = registry_.acquire(key, std::move(endpoint));
  known.scan = scan_;
  return known.id;
}

void LocalScanner::forget(EventTime now) {
  std::erase_if(known_, [this, now](const auto& entry) {
    if (entry.second.scan == scan_) return false;
    registry_.release(entry.second.id, now);
    return true;
  });
}

}  // namespace audio_latency
