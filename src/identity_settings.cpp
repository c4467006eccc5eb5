// SPDX-License-Identifier: Apache-2.0
// What identity is made of on this host: from options, environment and capabilities to RefresherSettings.
#include <linux/capability.h>
#include <unistd.h>

#include <string>

#include "capabilities.hpp"
#include "identity_live.hpp"

namespace audio_latency {
namespace {

bool exists(const std::string& path) {
  return access(path.c_str(), R_OK) == 0;
}

bool wants_kubernetes(const Options& options) {
  if (options.k8s_enabled != Tristate::automatic) return options.k8s_enabled == Tristate::yes;
  if (!options.k8s_api_url.empty()) return true;
  return exists(options.k8s_service_account_dir + "/token") && !in_cluster_url().empty();
}

Result<KubernetesSettings> kubernetes_settings(const Options& options) {
  KubernetesSettings settings;
  settings.api.url = options.k8s_api_url.empty() ? in_cluster_url() : options.k8s_api_url;
  if (settings.api.url.empty()) {
    return Error{"K8S_ENABLED is true, but KUBERNETES_SERVICE_HOST is not set (not in a cluster); set K8S_API_URL"};
  }
  const std::string token = options.k8s_service_account_dir + "/token";
  const std::string ca = options.k8s_service_account_dir + "/ca.crt";
  if (exists(token)) settings.api.token_file = token;
  if (exists(ca)) settings.api.ca_file = ca;
  const bool cluster =
      options.k8s_scope == K8sScope::cluster || (options.k8s_scope == K8sScope::automatic && options.bus_url.empty());
  if (!cluster && options.k8s_node_name.empty()) {
    return Error{"K8S_SCOPE node needs K8S_NODE_NAME, the name of this node (downward API: spec.nodeName)"};
  }
  if (!cluster) settings.node = options.k8s_node_name;
  settings.services = options.k8s_watch_services;
  return settings;
}

// What people who wonder about an address should know.
std::string why_no_processes(ProcessIdentity asked) {
  const std::string what = "processes, containers and pods with the node's address go by their addresses: ";
  if (asked == ProcessIdentity::off) return what + "PROCESS_IDENTITY is off";
  return what + "CAP_SYS_PTRACE is missing (in Kubernetes: hostPID)";
}

}  // namespace

Result<RefresherSettings> refresher_settings(const Options& options) {
  RefresherSettings settings;
  if (wants_kubernetes(options)) {
    auto kubernetes = kubernetes_settings(options);
    if (!kubernetes) return kubernetes.error();
    settings.kubernetes = std::move(*kubernetes);
  }
  settings.processes = options.process_identity == ProcessIdentity::on ||
                       (options.process_identity == ProcessIdentity::automatic && has_capability(CAP_SYS_PTRACE));
  if (!settings.processes) settings.without_processes = why_no_processes(options.process_identity);
  settings.local.node = options.k8s_node_name.empty() ? "unknown" : options.k8s_node_name;
  return settings;
}

}  // namespace audio_latency
