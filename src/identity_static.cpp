// SPDX-License-Identifier: Apache-2.0
#include "identity_static.hpp"

#include <xxhash.h>

#include <algorithm>
#include <random>
#include <unordered_map>

namespace audio_latency {
namespace {

// Seeds the table and the component ids: neither may be predictable for who chooses the addresses.
std::uint64_t process_key() {
  static const std::uint64_t key = [] {
    std::random_device random;
    return (std::uint64_t{random()} << 32) | random();
  }();
  return key;
}

bool in_prefix(const IpAddress& ip, const IpAddress& prefix, int bits) {
  const int whole = bits / 8;
  if (!std::equal(prefix.bytes.begin(), prefix.bytes.begin() + whole, ip.bytes.begin())) return false;
  if (bits % 8 == 0) return true;
  const int shift = 8 - bits % 8;
  const auto at = static_cast<std::size_t>(whole);
  return prefix.bytes[at] >> shift == ip.bytes[at] >> shift;
}

struct HashAddress {
  std::size_t operator()(const SocketAddress& address) const {
    return XXH64(address.ip.bytes.data(), address.ip.bytes.size(), process_key() + address.port);
  }
};

}  // namespace

// Exact addresses by hash, prefixes in a list from the longest to the shortest.
class StaticResolver::Table {
 public:
  void add(const StaticName& name, EndpointId id) {
    if (name.prefix_bits == 128) {
      exact_[{name.ip, name.port}] = id;
    } else {
      prefixes_.push_back({name.ip, name.prefix_bits, name.port, id});
    }
  }

  void finish() {
    std::stable_sort(prefixes_.begin(), prefixes_.end(), [](const Prefix& a, const Prefix& b) {
      return a.bits != b.bits ? a.bits > b.bits : a.port != 0 && b.port == 0;
    });
  }

  EndpointId find(const SocketAddress& address) const {
    if (!exact_.empty()) {
      if (const auto known = exact_.find(address); known != exact_.end()) return known->second;
      if (const auto known = exact_.find({address.ip, 0}); known != exact_.end()) return known->second;
    }
    const auto fits = [&](const Prefix& each) {
      return (each.port == 0 || each.port == address.port) && in_prefix(address.ip, each.ip, each.bits);
    };
    const auto known = std::find_if(prefixes_.begin(), prefixes_.end(), fits);
    return known == prefixes_.end() ? 0 : known->id;
  }

 private:
  struct Prefix {
    IpAddress ip;
    int bits;
    std::uint16_t port;
    EndpointId id;
  };
  std::unordered_map<SocketAddress, EndpointId, HashAddress> exact_;
  std::vector<Prefix> prefixes_;
};

StaticResolver::StaticResolver(const std::vector<StaticName>& names) {
  replace(names);
}

StaticResolver::~StaticResolver() = default;

void StaticResolver::replace(const std::vector<StaticName>& names) {
  auto table = std::make_unique<Table>();
  for (const StaticName& name : names) table->add(name, id_of(name));
  table->finish();
  table_ = std::move(table);
}

EndpointId StaticResolver::id_of(const StaticName& name) {
  const auto [known, added] = ids_.try_emplace({name.namespace_name, name.name}, 0);
  if (added) {
    endpoints_.push_back(std::make_unique<Endpoint>(
        Endpoint{EndpointKind::static_name, name.name, name.namespace_name, "unknown", "unknown", ""}));
    known->second = static_cast<EndpointId>(endpoints_.size());
  }
  return known->second;
}

PlacedObservation StaticResolver::place(const Observation& observation) {
  return {observation, place(observation.flow.source), place(observation.flow.destination)};
}

Placement StaticResolver::place(const SocketAddress& address) const {
  const EndpointId id = table_->find(address);
  return {id, id != 0 ? id : component_of_address(address.ip)};
}

const Endpoint* StaticResolver::endpoint(EndpointId id) const {
  return id == 0 || id > endpoints_.size() ? nullptr : endpoints_[id - 1].get();
}

ComponentId component_of_address(const IpAddress& ip) {
  if (ip.is_loopback()) return 0;
  // The top bit keeps it apart from endpoint ids.
  return XXH64(ip.bytes.data(), ip.bytes.size(), process_key()) | (ComponentId{1} << 63);
}

}  // namespace audio_latency
