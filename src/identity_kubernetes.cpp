// SPDX-License-Identifier: Apache-2.0
#include "identity_kubernetes.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "identity_clock.hpp"

namespace audio_latency {
namespace {

class WatchedPods : public WatchedObjects {
 public:
  WatchedPods(PodDirectory& pods, std::function<void()> on_change) : pods_(pods), on_change_(std::move(on_change)) {}

  void begin_list() override { pods_.begin_list(); }
  void end_list() override {
    pods_.end_list(monotonic_now());
    on_change_();
  }
  void upsert(const nlohmann::json& object) override {
    if (const auto pod = pod_of(object)) pods_.upsert(*pod, monotonic_now());
    on_change_();
  }
  void remove(const nlohmann::json& object) override {
    if (const auto pod = pod_of(object)) pods_.remove(pod->uid, monotonic_now());
    on_change_();
  }

 private:
  PodDirectory& pods_;
  std::function<void()> on_change_;
};

class WatchedServices : public WatchedObjects {
 public:
  WatchedServices(ServiceDirectory& services, std::function<void()> on_change)
      : services_(services), on_change_(std::move(on_change)) {}

  void begin_list() override { services_.begin_list(); }
  void end_list() override {
    services_.end_list(monotonic_now());
    on_change_();
  }
  void upsert(const nlohmann::json& object) override {
    if (const auto service = service_of(object)) services_.upsert(*service);
    on_change_();
  }
  void remove(const nlohmann::json& object) override {
    if (const auto service = service_of(object)) services_.remove(service->uid, monotonic_now());
    on_change_();
  }

 private:
  ServiceDirectory& services_;
  std::function<void()> on_change_;
};

ResourceWatch::Settings pod_watch(const KubernetesSettings& settings) {
  ResourceWatch::Settings watch;
  if (!settings.node.empty()) watch.selector = "fieldSelector=spec.nodeName%3D" + settings.node;
  // A node's pods fit into one answer; a cluster's are fetched by pages.
  watch.from_cache = !settings.node.empty();
  watch.backoff_min = settings.backoff_min;
  watch.backoff_max = settings.backoff_max;
  return watch;
}

ResourceWatch::Settings service_watch(const KubernetesSettings& settings) {
  ResourceWatch::Settings watch = pod_watch(settings);
  watch.what = "services";
  watch.path = "/api/v1/services";
  watch.selector.clear();
  return watch;
}

}  // namespace

std::string in_cluster_url() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || *host == 0) return {};
  const std::string name(host);
  const bool v6 = name.find(':') != std::string::npos;
  return "https://" + (v6 ? "[" + name + "]" : name) + ":" + (port == nullptr || *port == 0 ? "443" : port);
}

Result<std::unique_ptr<KubernetesWatcher>> KubernetesWatcher::create(const KubernetesSettings& settings,
                                                                     PodDirectory& pods, ServiceDirectory& services,
                                                                     const IdentityLog& log,
                                                                     const std::function<void()>& on_change) {
  std::unique_ptr<KubernetesWatcher> watcher(new KubernetesWatcher);
  const auto add = [&](ResourceWatch::Settings watch, std::unique_ptr<WatchedObjects> objects) -> Status {
    auto client = ApiClient::create(settings.api);
    if (!client) return client.error();
    auto& added = watcher->watched_.emplace_back();
    added.objects = std::move(objects);
    added.watch = std::make_unique<ResourceWatch>(std::move(watch), std::move(*client), *added.objects, log);
    added.thread = std::thread([running = added.watch.get()] { running->run(); });
    return success();
  };
  auto added = add(pod_watch(settings), std::make_unique<WatchedPods>(pods, on_change));
  if (added && settings.services) {
    added = add(service_watch(settings), std::make_unique<WatchedServices>(services, on_change));
  }
  if (!added) return added.error();
  return watcher;
}

KubernetesWatcher::~KubernetesWatcher() {
  for (Watched& each : watched_) each.watch->stop();
  for (Watched& each : watched_) {
    if (each.thread.joinable()) each.thread.join();
  }
}

std::string KubernetesWatcher::not_ready_reason() const {
  std::string reasons;
  for (const Watched& each : watched_) {
    const std::string reason = each.watch->not_ready_reason();
    if (!reason.empty()) reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  return reasons;
}

}  // namespace audio_latency
