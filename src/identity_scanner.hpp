// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "identity_containers.hpp"
#include "identity_pods.hpp"
#include "identity_proc.hpp"
#include "identity_sockets.hpp"

namespace audio_latency {

// Socket -> inode -> process -> control group -> pod or container, for every network namespace that a process runs in.
// One thread.
class LocalScanner {
 public:
  struct Settings {
    std::string proc_root = "/proc";
    std::string state_root;  // before /var/lib/docker and the like
    std::string node;
  };

  LocalScanner(Settings settings, EndpointRegistry& registry, const PodDirectory& pods);

  // Reads what is open now. Costs a few milliseconds per thousand open files when there are new sockets.
  std::shared_ptr<const LocalTable> scan(EventTime now);
  // What could not be named in the last scan and why; empty: everything could.
  const std::string& limits() const { return limits_; }

 private:
  struct Network {
    std::uint64_t inode = 0;
    std::vector<std::uint32_t> pids;
    NetworkPicture picture;
  };
  struct Known {
    EndpointId id = 0;
    std::uint32_t scan = 0;  // the last one that met it
  };

  std::vector<Network> networks(const std::vector<std::uint32_t>& pids);
  void learn_owners(const std::vector<std::uint32_t>& pids, const std::vector<Network>& networks);
  EndpointId endpoint_of_process(std::uint32_t pid);
  EndpointId container_endpoint(const ContainerReference& container);
  EndpointId process_endpoint(const ProcessDescription& process);
  EndpointId remember(const std::string& key, Endpoint endpoint);
  EndpointId only_container(const Network& network);
  void add(LocalTable& table, const Network& network, std::uint32_t index);
  void forget(EventTime now);

  Settings settings_;
  EndpointRegistry& registry_;
  const PodDirectory& pods_;
  ContainerNames names_;
  std::string own_container_;
  std::unordered_map<std::uint32_t, std::uint32_t> owners_;  // socket inode -> pid
  std::unordered_set<std::uint32_t> ownerless_;              // inodes that were looked for and not found
  std::unordered_map<std::string, Known> known_;             // registry key -> endpoint that this scanner holds
  std::unordered_map<std::uint32_t, EndpointId> of_pid_;     // in this scan
  std::uint32_t scan_ = 0;
  std::string limits_;
};

}  // namespace audio_latency
