// SPDX-License-Identifier: Apache-2.0
#include "identity_place.hpp"

namespace audio_latency {
namespace {

// Sockets come and go without a word: older pictures of them are asked for again while they are used.
constexpr EventTime kSocketsAge = 1'000'000'000;
// A connection that is tracked keeps its translation; one that was asked for too early has it soon.
constexpr EventTime kTranslationAge = 10'000'000'000;
constexpr EventTime kNoTranslationAge = 2'000'000'000;

// One end of an observation.
struct End {
  const SocketAddress& address;
  const SocketAddress& other;
  bool sends;
  bool attached;  // it is what is behind the interface where the packet was seen
};

class Finder {
 public:
  Finder(const IdentitySnapshot& snapshot, const Observation& seen) : snapshot_(snapshot), seen_(seen) {}

  EndpointId find(const End& end) {
    const Behind behind = pod_behind(end);
    if (behind.id != 0 || behind.spoofed) return behind.id;
    if (!behind.stranger) {
      if (const EndpointId id = pod_by_address(end.address.ip)) return id;
    }
    if (const EndpointId id = local(end)) return id;
    if (const EndpointId id = declared_port(end.address)) return id;
    if (const EndpointId id = behind_translation(end)) return id;
    return service(end.address);
  }

  bool spoofed() const { return spoofed_; }
  PlacingWishes wishes() const { return wishes_; }

 private:
  struct Behind {
    EndpointId id = 0;
    bool stranger = false;  // who is there is not known: whoever else has the address, it is not the one there
    bool spoofed = false;
  };

  Behind pod_behind(const End& end) {
    const auto& table = snapshot_.interfaces;
    if (!end.attached || !table || !table->usable) return {};
    const InterfaceOwner* owner = table->interfaces.find(seen_.point.interface);
    if (owner == nullptr) return {0, true, false};
    if (!owner->elsewhere) return {};
    if (owner->pod == 0) return {0, true, false};
    if (const auto* pod = table->behind.find({end.address.ip, seen_.point.interface})) return {*pod, false, false};
    spoofed_ = spoofed_ || end.sends;
    return {0, false, end.sends};
  }

  EndpointId pod_by_address(const IpAddress& ip) const {
    if (!snapshot_.pods) return 0;
    const AddressOwner* owner = snapshot_.pods->owners.find(ip);
    if (owner != nullptr && seen_.time >= owner->since) return owner->id;
    const PastOwner* past = snapshot_.pods->past.find(ip);
    const bool then = past != nullptr && seen_.time >= past->since && seen_.time <= past->until;
    return then ? past->id : 0;
  }

  EndpointId local(const End& end) {
    const auto& table = snapshot_.local;
    if (!table) return 0;
    const auto* container = table->containers.find(end.address.ip);
    if (container != nullptr && *container != 0) return *container;
    const auto* network = table->networks.find(end.address.ip);
    if (network == nullptr && !end.address.ip.is_loopback()) return 0;
    const EndpointId id = socket(*table, end, network == nullptr ? 0 : *network);
    wishes_.sockets = wishes_.sockets || id == 0 || seen_.time > table->taken + kSocketsAge;
    return id;
  }

  EndpointId socket(const LocalTable& table, const End& end, std::uint32_t network) const {
    SocketKey key{end.address.ip, end.other.ip, end.address.port, end.other.port, seen_.flow.protocol, network};
    if (const auto* id = table.sockets.find(key)) return *id;
    key.remote = {};
    key.remote_port = 0;
    if (const auto* id = table.sockets.find(key)) return *id;
    key.local = {};
    const auto* id = table.sockets.find(key);
    return id == nullptr ? 0 : *id;
  }

  EndpointId declared_port(const SocketAddress& address) const {
    const PortKey key{address.ip, address.port, seen_.flow.protocol};
    const auto* pod = snapshot_.pods ? snapshot_.pods->declared_ports.find(key) : nullptr;
    return pod == nullptr ? 0 : *pod;
  }

  EndpointId service(const SocketAddress& address) const {
    const PortKey key{address.ip, address.port, seen_.flow.protocol};
    const auto* service = snapshot_.services ? snapshot_.services->ports.find(key) : nullptr;
    return service == nullptr ? 0 : *service;
  }

  // Who is spoken to by way of an address that this host translates.
  EndpointId behind_translation(const End& end) {
    const bool own = seen_.point.node == 0 && !seen_.tunnelled;
    if (end.sends || !own || end.address.ip.is_loopback() || !snapshot_.translations) return 0;
    const Translation* known = snapshot_.translations->find(translation_key(seen_.flow));
    const bool found = known != nullptr && known->to.port != 0;
    const EventTime age = found ? kTranslationAge : kNoTranslationAge;
    wishes_.translation = known == nullptr || seen_.time > known->asked + age;
    wishes_.translation_soon = known == nullptr;
    if (!found) return 0;
    const EndpointId pod = pod_by_address(known->to.ip);
    return pod != 0 ? pod : local({known->to, end.other, false, false});
  }

  const IdentitySnapshot& snapshot_;
  const Observation& seen_;
  bool spoofed_ = false;
  PlacingWishes wishes_;
};

void name(Finder& finder, const End& end, Placement& place) {
  if (place.endpoint != 0) return;  // a static name
  if (const EndpointId id = finder.find(end)) place = {id, id};
}

}  // namespace

SocketKey translation_key(const FlowKey& flow) {
  return {flow.source.ip, flow.destination.ip, flow.source.port, flow.destination.port, flow.protocol, 0};
}

PlacingWishes place_by_snapshot(const IdentitySnapshot& snapshot, PlacedObservation& placed) {
  const Observation& seen = placed.observation;
  const bool own = seen.point.node == 0 && !seen.tunnelled;
  Finder finder(snapshot, seen);
  name(finder, {seen.flow.source, seen.flow.destination, true, own && seen.point.direction == AL_INGRESS},
       placed.sender);
  name(finder, {seen.flow.destination, seen.flow.source, false, own && seen.point.direction == AL_EGRESS},
       placed.receiver);
  placed.spoofed = finder.spoofed();
  return finder.wishes();
}

}  // namespace audio_latency
