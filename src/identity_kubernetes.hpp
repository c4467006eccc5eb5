// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "identity_pods.hpp"
#include "identity_services.hpp"
#include "identity_watch.hpp"

namespace audio_latency {

// What the Kubernetes API server is asked, and how.
struct KubernetesSettings {
  ApiClient::Settings api;
  std::string node;       // pods of this node only; empty: of the cluster
  bool services = false;  // Services too
  std::chrono::milliseconds backoff_min{500};
  std::chrono::milliseconds backoff_max{30'000};
};
// From inside a pod: KUBERNETES_SERVICE_HOST and _PORT, token and certificate in `account_directory`.
constexpr const char* kServiceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";
// "https://10.96.0.1:443" from the environment of a pod; empty outside of one.
std::string in_cluster_url();

// Keeps the directories in step with the API server, each resource by a thread of its own. Destruction stops them.
class KubernetesWatcher {
 public:
  // `on_change` is called by those threads.
  static Result<std::unique_ptr<KubernetesWatcher>> create(const KubernetesSettings& settings, PodDirectory& pods,
                                                           ServiceDirectory& services, const IdentityLog& log,
                                                           const std::function<void()>& on_change);
  ~KubernetesWatcher();
  KubernetesWatcher(const KubernetesWatcher&) = delete;
  KubernetesWatcher& operator=(const KubernetesWatcher&) = delete;

  // Empty while in step, else the sentence for /readyz. Any thread.
  std::string not_ready_reason() const;

 private:
  struct Watched {
    std::unique_ptr<WatchedObjects> objects;
    std::unique_ptr<ResourceWatch> watch;
    std::thread thread;
  };
  KubernetesWatcher() = default;
  std::vector<Watched> watched_;
};

}  // namespace audio_latency
