// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace audio_latency {

// What /proc knows, under a root that tests choose.

// Running processes, ascending.
std::vector<std::uint32_t> list_processes(const std::string& proc_root);

struct ProcessDescription {
  std::uint32_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot: tells two owners of one pid apart
  std::string command;           // the kernel's name of it, at most 15 characters
};
// Nothing for a process that is gone.
std::optional<ProcessDescription> describe_process(const std::string& proc_root, std::uint32_t pid);

// Inode of the network namespace; nothing where it may not be read.
std::optional<std::uint64_t> network_namespace(const std::string& proc_root, std::uint32_t pid);

struct InodeOwners {
  std::unordered_map<std::uint32_t, std::uint32_t> pid_of;  // socket inode -> process
  std::size_t refused = 0;                                  // processes whose descriptors may not be read
};
// Which processes hold the sockets `wanted`. Where several do (a server and the workers that it forked), the eldest,
// but not process 1, which hands sockets on to services.
InodeOwners owners_of_sockets(const std::string& proc_root, const std::vector<std::uint32_t>& pids,
                              const std::unordered_set<std::uint32_t>& wanted);

// What a control group path tells of a container.
struct ContainerReference {
  std::string id;       // 64 hex digits
  std::string pod_uid;  // of a Kubernetes pod, else empty
};
// From the text of /proc/PID/cgroup: systemd and cgroupfs drivers, version 1 and 2, Docker, containerd, CRI-O, Podman.
std::optional<ContainerReference> container_of_cgroup(const std::string& cgroup_text);
std::optional<ContainerReference> container_of_process(const std::string& proc_root, std::uint32_t pid);

}  // namespace audio_latency
