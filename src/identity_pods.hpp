// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "identity_registry.hpp"
#include "identity_snapshot.hpp"

namespace audio_latency {

// What the tracker wants to know of a pod.
struct PodRecord {
  std::string uid;
  std::string name;
  std::string namespace_name;
  std::string node;
  std::string workload;
  std::vector<IpAddress> addresses;  // dual stack: one of each family
  std::vector<PortKey> ports;        // declared ones of a hostNetwork pod, with the node's addresses
  bool host_network = false;         // shares the node's addresses
  bool finished = false;             // Succeeded, Failed, or all its containers have ended: the address is free again
};

// The addresses behind the host side of one virtual interface.
struct InterfaceAddresses {
  std::uint32_t interface = 0;
  std::int32_t network = 0;  // id of the namespace behind it: several interfaces may lead to one
  std::vector<IpAddress> addresses;
};

// Which pod has which address, over time. Any thread. `now` is CLOCK_MONOTONIC in ns, as the time of observations.
class PodDirectory {
 public:
  explicit PodDirectory(EndpointRegistry& registry) : registry_(registry) {}

  void upsert(const PodRecord& pod, EventTime now);
  void remove(std::string_view uid, EventTime now);
  // A complete list: what is not mentioned between the two is gone.
  void begin_list();
  void end_list(EventTime now);

  // An address that was seen behind an interface belongs to that pod no longer once the interface is gone, whatever
  // the API server says by then.
  void set_interfaces(std::vector<InterfaceAddresses> interfaces, std::vector<std::uint32_t> others, EventTime now);

  // True once after each change.
  bool take_changed();
  std::shared_ptr<const PodTable> pods(EventTime now);
  std::shared_ptr<const InterfaceTable> interfaces();  // after pods()
  // Of a pod that runs; 0: unknown.
  EndpointId find(std::string_view uid) const;
  std::size_t size() const;

 private:
  struct Pod {
    EndpointId id = 0;
    std::uint32_t list = 0;  // the last list that it was on
    bool host_network = false;
    std::vector<IpAddress> addresses;
    std::vector<PortKey> ports;
  };
  struct Lease {
    EndpointId id = 0;
    std::uint32_t interface = 0;
    EventTime opened = 0;
    EventTime since = 0;
    EventTime lost = 0;  // when its interface went away; 0: not
    PastOwner past;
  };
  struct HashAddress {
    std::size_t operator()(const IpAddress& ip) const;
  };

  void open(const IpAddress& ip, EndpointId id, EventTime now);
  void close(const IpAddress& ip, EndpointId id, EventTime now);
  void retire(Lease& lease, EventTime now);
  void end(std::unordered_map<std::uint64_t, Pod>::iterator pod, EventTime now);
  void bind(EventTime now);

  // A virtual interface leads to one pod for as long as it exists; its last packets are told apart for a while after.
  struct Seen {
    EventTime first = 0;
    EventTime gone = 0;  // 0: it is there
    std::int32_t network = 0;
    std::vector<IpAddress> addresses;
    EndpointId pod = 0;
    bool listed = false;  // last time
  };

  void bind(Seen& seen, std::uint32_t interface, EventTime now);

  EndpointRegistry& registry_;
  mutable std::mutex mutex_;
  std::unordered_map<std::uint64_t, Pod> pods_;  // by hash of UID
  std::unordered_map<IpAddress, Lease, HashAddress> leases_;
  std::unordered_map<std::uint32_t, Seen> interfaces_;
  std::vector<std::uint32_t> other_interfaces_;
  bool interfaces_known_ = false;
  std::uint32_t list_ = 0;
  bool changed_ = false;
};

}  // namespace audio_latency
