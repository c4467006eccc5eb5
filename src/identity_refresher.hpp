// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "identity_interfaces.hpp"
#include "identity_kubernetes.hpp"
#include "identity_scanner.hpp"
#include "identity_slot.hpp"
#include "identity_translation.hpp"

namespace audio_latency {

struct RefresherSettings {
  std::optional<KubernetesSettings> kubernetes;  // nothing: no API server
  bool processes = false;                        // read sockets, processes and containers
  std::string without_processes;                 // where not: why, for people
  LocalScanner::Settings local;
};

struct RefresherStats {
  std::size_t endpoints = 0;
  std::size_t pods = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t scans = 0;        // of this host's sockets
  std::uint64_t scan_cpu_ns = 0;  // processor time that they took
};

// Collects who is who, on threads of its own, and publishes snapshots of it. What it costs is bounded: reading sockets
// takes at most 1.5 % of a processor, snapshots are at least 20 ms apart.
class IdentityRefresher {
 public:
  static Result<std::unique_ptr<IdentityRefresher>> create(RefresherSettings settings, IdentityLog log);
  ~IdentityRefresher();
  IdentityRefresher(const IdentityRefresher&) = delete;
  IdentityRefresher& operator=(const IdentityRefresher&) = delete;

  // Reader thread.
  const IdentitySnapshot* current() { return slot_.current(); }
  // Reader thread: there are sockets that the snapshot does not know. Does not wait; cheap when it was asked already.
  void request_scan();
  // Reader thread: whether this flow's receiver is translated should be known, or, where it is known, looked at again,
  // which has time. Does not wait.
  void request_translation(const SocketKey& flow, bool soon);

  const EndpointRegistry& registry() const { return registry_; }
  RefresherStats stats() const;
  // Empty while the API server is followed or not asked, else the sentence for /readyz.
  std::string not_ready_reason() const;
  // What is not named and why, a sentence for people; empty: nothing.
  std::string limits() const;

 private:
  IdentityRefresher(RefresherSettings settings, IdentityLog log, int wake);
  void run();
  void wake() const;
  void wait(EventTime until);
  void refresh_interfaces(EventTime now);
  void refresh_local(EventTime now);
  void refresh_translations(EventTime now);
  void publish(EventTime now);
  EventTime next_step(EventTime now) const;
  void set_limits();

  RefresherSettings settings_;
  IdentityLog log_;
  EndpointRegistry registry_;
  PodDirectory pods_{registry_};
  ServiceDirectory services_{registry_};
  TranslationDirectory translations_;
  SnapshotSlot<IdentitySnapshot> slot_;
  std::unique_ptr<LocalScanner> scanner_;
  std::optional<InterfaceFollower> interfaces_;
  IdentitySnapshot latest_;  // the refresher thread's
  bool changed_ = true;
  bool pods_changed_ = false;
  bool services_changed_ = false;
  EventTime settles_ = 0;
  EventTime published_ = 0;
  EventTime collected_ = 0;
  EventTime translated_ = 0;
  EventTime credited_ = 0;      // until when the budget below was added up
  std::int64_t budget_ns_ = 0;  // processor time that scans may still take

  int wake_fd_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> scan_wanted_{true};  // the first scan needs no asking
  std::atomic<std::uint64_t> snapshots_{0};
  std::atomic<std::uint64_t> scans_{0};
  std::atomic<std::uint64_t> scan_cpu_ns_{0};
  mutable std::mutex mutex_;
  std::string limits_;
  std::unique_ptr<KubernetesWatcher> kubernetes_;
  std::thread thread_;
};

}  // namespace audio_latency
