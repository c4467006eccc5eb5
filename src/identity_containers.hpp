// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <unordered_map>

namespace audio_latency {

struct ContainerName {
  std::string name;                  // as the runtime knows it; else the first 12 digits of the ID
  std::string namespace_name = "-";  // of the pod, where the runtime's state tells it
};

// Names of containers from the state directories of Docker, containerd (nerdctl, Kubernetes) and Podman. One thread.
class ContainerNames {
 public:
  // `root` stands before /var/lib/docker and the like: the host's root directory where it is mounted elsewhere.
  explicit ContainerNames(std::string root) : root_(std::move(root)) {}

  const ContainerName& find(const std::string& id);

 private:
  ContainerName read(const std::string& id) const;

  std::string root_;
  std::unordered_map<std::string, ContainerName> known_;
};

}  // namespace audio_latency
