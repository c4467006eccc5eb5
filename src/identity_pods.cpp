// SPDX-License-Identifier: Apache-2.0
#include "identity_pods.hpp"

#include <algorithm>
#include <utility>

namespace audio_latency {
namespace {

// An interface that shows up later than this after the API server named the pod is not taken for that pod's: its
// address may have been handed on already.
constexpr EventTime kBindWithin = 1'000'000'000;
// By then the API server has told of an address that was handed on.
constexpr EventTime kBindAfter = 30'000'000'000;
// A pod whose interface went away gets its address back only by news that is younger than the loss by this.
constexpr EventTime kReopenAfter = 1'000'000'000;
// Packets that an interface saw are heard of within milliseconds.
constexpr EventTime kGoneKept = 5'000'000'000;
constexpr EventTime kRebindAfter = 200'000'000;

std::uint64_t hash_uid(std::string_view uid) {
  return XXH3_64bits_withSeed(uid.data(), uid.size(), identity_hash_seed());
}

std::string key_of(std::string_view uid) {
  return "pod:" + std::string(uid);
}

}  // namespace

std::size_t PodDirectory::HashAddress::operator()(const IpAddress& ip) const {
  return XXH3_64bits_withSeed(ip.bytes.data(), ip.bytes.size(), identity_hash_seed());
}

void PodDirectory::upsert(const PodRecord& record, EventTime now) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t uid = hash_uid(record.uid);
  const auto known = pods_.find(uid);
  if (record.finished) {
    if (known != pods_.end()) end(known, now);
    return;
  }
  const EndpointId id = registry_.acquire(key_of(record.uid), {EndpointKind::pod, record.name, record.namespace_name,
                                                               record.workload, record.node, record.uid});
  Pod& pod = known == pods_.end() ? pods_[uid] : known->second;
  for (const IpAddress& old : pod.addresses) {
    const bool kept = std::find(record.addresses.begin(), record.addresses.end(), old) != record.addresses.end();
    if (!kept) close(old, id, now);
  }
  pod = {id, list_, record.host_network, {}, record.ports};
  if (!record.host_network) {
    pod.addresses = record.addresses;
    for (const IpAddress& ip : record.addresses) open(ip, id, now);
  }
  changed_ = true;
}

void PodDirectory::remove(std::string_view uid, EventTime now) {
  const std::lock_guard lock(mutex_);
  const auto known = pods_.find(hash_uid(uid));
  if (known != pods_.end()) end(known, now);
}

void PodDirectory::begin_list() {
  const std::lock_guard lock(mutex_);
  ++list_;
}

void PodDirectory::end_list(EventTime now) {
  const std::lock_guard lock(mutex_);
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    const auto next = std::next(pod);
    if (pod->second.list != list_) end(pod, now);
    pod = next;
  }
}

void PodDirectory::end(std::unordered_map<std::uint64_t, Pod>::iterator pod, EventTime now) {
  for (const IpAddress& ip : pod->second.addresses) close(ip, pod->second.id, now);
  registry_.release(pod->second.id, now);
  pods_.erase(pod);
  changed_ = true;
}

void PodDirectory::open(const IpAddress& ip, EndpointId id, EventTime now) {
  const auto [entry, fresh] = leases_.try_emplace(ip);
  Lease& lease = entry->second;
  if (lease.id == id) {
    if (lease.lost != 0 && now >= lease.lost + kReopenAfter) lease = {id, 0, now, now, 0, lease.past};
    return;
  }
  if (lease.id != 0) retire(lease, now);  // the new owner is known before the end of the old one
  // Nobody had it before: late events are its too. Else what came before this news is nobody's.
  const EventTime since = lease.past.id == 0 ? 0 : now;
  lease = {id, 0, now, since, 0, lease.past};
}

void PodDirectory::close(const IpAddress& ip, EndpointId id, EventTime now) {
  const auto lease = leases_.find(ip);
  if (lease != leases_.end() && lease->second.id == id) retire(lease->second, now);
}

void PodDirectory::retire(Lease& lease, EventTime now) {
  lease.past = {lease.id, lease.since, lease.lost != 0 ? lease.lost : now};
  lease.id = 0;
  lease.lost = 0;
  lease.interface = 0;
}

void PodDirectory::set_interfaces(std::vector<InterfaceAddresses> interfaces, std::vector<std::uint32_t> others,
                                  EventTime now) {
  const std::lock_guard lock(mutex_);
  for (auto& [index, seen] : interfaces_) seen.listed = false;
  for (InterfaceAddresses& interface : interfaces) {
    Seen& seen = interfaces_[interface.interface];
    const bool same = seen.first != 0 && seen.gone == 0 && seen.network == interface.network;
    if (!same) seen = {now, 0, interface.network, {}, 0, true};
    seen.addresses = std::move(interface.addresses);
    seen.listed = true;
  }
  for (auto& [index, seen] : interfaces_) {
    if (!seen.listed && seen.gone == 0) seen.gone = now;
  }
  std::erase_if(interfaces_,
                [now](const auto& entry) { return entry.second.gone != 0 && entry.second.gone + kGoneKept <= now; });
  other_interfaces_ = std::move(others);
  interfaces_known_ = true;
  for (auto& [ip, lease] : leases_) {
    if (lease.interface == 0 || lease.lost != 0) continue;
    const auto interface = interfaces_.find(lease.interface);
    if (interface == interfaces_.end() || interface->second.gone != 0) lease.lost = now;
  }
  changed_ = true;
}

void PodDirectory::bind(Seen& seen, std::uint32_t interface, EventTime now) {
  for (const IpAddress& ip : seen.addresses) {
    const auto entry = leases_.find(ip);
    if (entry == leases_.end() || entry->second.id == 0 || entry->second.lost != 0) continue;
    Lease& lease = entry->second;
    if (lease.interface != 0 && lease.interface != interface) {
      // Another interface of the same pod's network.
      const auto other = interfaces_.find(lease.interface);
      const bool there = other != interfaces_.end() && other->second.gone == 0;
      if (seen.pod == 0 && there && other->second.network == seen.network) seen.pod = lease.id;
      continue;
    }
    // What the kernel and the API server say now outweighs an earlier guess, once both have stood for a moment.
    const bool settled = now >= lease.opened + kRebindAfter;
    const bool at_once = seen.first <= lease.opened + kBindWithin;
    const bool at_last = now >= seen.first + kBindAfter && now >= lease.opened + kBindAfter;
    const bool fits = seen.pod == 0 ? at_once || at_last : settled || seen.pod == lease.id;
    if (!fits) continue;
    seen.pod = lease.id;
    lease.interface = interface;
  }
}

void PodDirectory::bind(EventTime now) {
  for (auto& [interface, seen] : interfaces_) {
    if (seen.gone == 0) bind(seen, interface, now);
  }
  // Late events may still ask for the past owner; later ones find nobody.
  std::erase_if(leases_, [now](const auto& entry) {
    return entry.second.id == 0 && entry.second.past.until + EndpointRegistry::kKept <= now;
  });
}

bool PodDirectory::take_changed() {
  const std::lock_guard lock(mutex_);
  return std::exchange(changed_, false);
}

std::shared_ptr<const PodTable> PodDirectory::pods(EventTime now) {
  const std::lock_guard lock(mutex_);
  bind(now);
  auto table = std::make_shared<PodTable>();
  table->owners = FlatTable<IpAddress, AddressOwner>(leases_.size());
  for (auto& [ip, lease] : leases_) {
    if (lease.past.id != 0 && lease.past.until + EndpointRegistry::kKept <= now) lease.past = {};
    PastOwner past = lease.past;
    if (lease.id != 0 && lease.lost != 0) {
      past = {lease.id, lease.since, lease.lost};
    } else if (lease.id != 0) {
      table->owners.insert(ip) = {lease.id, lease.interface, lease.since};
    }
    if (past.id != 0) table->past.insert(ip) = past;
  }
  for (const auto& [uid, pod] : pods_) {
    for (const PortKey& port : pod.ports) {
      const bool taken = table->declared_ports.find(port) != nullptr;
      table->declared_ports.insert(port) = taken ? 0 : pod.id;
    }
  }
  return table;
}

std::shared_ptr<const InterfaceTable> PodDirectory::interfaces() {
  const std::lock_guard lock(mutex_);
  auto table = std::make_shared<InterfaceTable>();
  table->usable = interfaces_known_;
  for (const std::uint32_t other : other_interfaces_) table->interfaces.insert(other) = {0, false};
  for (const auto& [interface, seen] : interfaces_) {
    table->interfaces.insert(interface) = {seen.pod, true};
    if (seen.pod == 0) continue;
    for (const IpAddress& ip : seen.addresses) table->behind.insert({ip, interface}) = seen.pod;
  }
  return table;
}

EndpointId PodDirectory::find(std::string_view uid) const {
  const std::lock_guard lock(mutex_);
  const auto known = pods_.find(hash_uid(uid));
  return known == pods_.end() ? 0 : known->second.id;
}

std::size_t PodDirectory::size() const {
  const std::lock_guard lock(mutex_);
  return pods_.size();
}

}  // namespace audio_latency
