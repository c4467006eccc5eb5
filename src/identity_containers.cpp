// SPDX-License-Identifier: Apache-2.0
#include "identity_containers.hpp"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace audio_latency {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::size_t kMaxKnown = 10'000;

Json read_json(const std::string& path) {
  std::ifstream file(path);
  return file ? Json::parse(file, nullptr, false) : Json{};
}

std::string text(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

ContainerName docker_name(const std::string& root, const std::string& id) {
  std::string name = text(read_json(root + "/var/lib/docker/containers/" + id + "/config.v2.json"), "Name");
  if (name.starts_with('/')) name.erase(0, 1);
  return {name, "-"};
}

// The OCI bundle of a running container; its annotations are the runtime's. A pod's container is named as its pod.
ContainerName containerd_name(const std::string& root, const std::string& id) {
  const std::string tasks = root + "/run/containerd/io.containerd.runtime.v2.task";
  std::error_code failure;
  for (const auto& space : fs::directory_iterator(tasks, failure)) {
    const Json bundle = read_json((space.path() / id / "config.json").string());
    if (!bundle.is_object() || !bundle.contains("annotations")) continue;
    const Json& annotations = bundle["annotations"];
    const std::string pod = text(annotations, "io.kubernetes.cri.sandbox-name");
    if (!pod.empty()) return {pod, text(annotations, "io.kubernetes.cri.sandbox-namespace")};
    const std::string name = text(annotations, "nerdctl/name");
    if (!name.empty()) return {name, "-"};
  }
  return {};
}

ContainerName podman_name(const std::string& root, const std::string& id) {
  for (const char* storage : {"/var/lib/containers/storage", "/run/containers/storage"}) {
    const Json containers = read_json(root + storage + "/overlay-containers/containers.json");
    for (const Json& container : containers) {
      if (text(container, "id") != id || !container.contains("names")) continue;
      const Json& names = container["names"];
      if (names.is_array() && !names.empty() && names[0].is_string()) return {names[0].get<std::string>(), "-"};
    }
  }
  return {};
}

}  // namespace

const ContainerName& ContainerNames::find(const std::string& id) {
  const auto known = known_.find(id);
  if (known != known_.end()) return known->second;
  if (known_.size() >= kMaxKnown) known_.clear();
  return known_[id] = read(id);
}

ContainerName ContainerNames::read(const std::string& id) const {
  for (const auto reader : {docker_name, containerd_name, podman_name}) {
    ContainerName found = reader(root_, id);
    if (!found.name.empty()) return found;
  }
  return {id.substr(0, 12), "-"};
}

}  // namespace audio_latency
