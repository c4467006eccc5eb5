// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "audio_latency/endpoint.hpp"
#include "identity_flat_table.hpp"

namespace audio_latency {

// Who has an IP address, and since when: addresses are handed on from pod to pod.
struct AddressOwner {
  EndpointId id = 0;            // 0: nobody that is known
  std::uint32_t interface = 0;  // host side of the owner's network; 0: not known
  EventTime since = 0;
};

// The owner before, for late events.
struct PastOwner {
  EndpointId id = 0;
  EventTime since = 0;
  EventTime until = 0;
};

struct PortKey {
  IpAddress ip;
  std::uint16_t port = 0;
  std::uint16_t protocol = 0;
  bool operator==(const PortKey&) const = default;
};

struct PodTable {
  FlatTable<IpAddress, AddressOwner> owners;
  FlatTable<IpAddress, PastOwner> past;
  FlatTable<PortKey, EndpointId> declared_ports;  // of hostNetwork pods; 0: claimed by several
};

struct BehindKey {
  IpAddress ip;
  std::uint32_t interface = 0;
  bool operator==(const BehindKey&) const = default;
};

struct InterfaceOwner {
  EndpointId pod = 0;      // 0: none that is known
  bool elsewhere = false;  // its other end is in another network namespace
};

// What is behind the host side of each virtual interface.
struct InterfaceTable {
  FlatTable<std::uint32_t, InterfaceOwner> interfaces;  // every interface of this network namespace
  FlatTable<BehindKey, EndpointId> behind;              // the addresses there, of pods only
  bool usable = false;                                  // false: the kernel or the capabilities do not allow to ask
};

struct SocketKey {
  IpAddress local;   // unspecified: bound to all addresses
  IpAddress remote;  // unspecified: not connected
  std::uint16_t local_port = 0;
  std::uint16_t remote_port = 0;
  std::uint32_t protocol = 0;
  std::uint32_t network = 0;  // index of the network namespace, 0: this process's own
  bool operator==(const SocketKey&) const = default;
};

// This host's own addresses, sockets and containers.
struct LocalTable {
  FlatTable<IpAddress, std::uint32_t> networks;  // address -> index of the network namespace that has it
  FlatTable<IpAddress, EndpointId> containers;   // address -> the one container of its network namespace
  FlatTable<SocketKey, EndpointId> sockets;
  EventTime taken = 0;  // when the sockets were read
};

struct ServiceTable {
  FlatTable<PortKey, EndpointId> ports;
};

struct Translation {
  SocketAddress to;     // port 0: it is not translated
  EventTime asked = 0;  // when the kernel said so
};
// By sender (local), receiver before translation (remote) and protocol; network 0.
using TranslationTable = FlatTable<SocketKey, Translation>;

// Immutable once published. Parts that did not change are shared with the snapshot before.
struct IdentitySnapshot {
  std::shared_ptr<const PodTable> pods;
  std::shared_ptr<const InterfaceTable> interfaces;
  std::shared_ptr<const LocalTable> local;
  std::shared_ptr<const ServiceTable> services;
  std::shared_ptr<const TranslationTable> translations;
  IdentitySnapshot* retired_next = nullptr;  // SnapshotSlot's
};

}  // namespace audio_latency
