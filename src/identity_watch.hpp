// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <random>
#include <string>
#include <string_view>

#include "identity_http.hpp"

namespace audio_latency {

// What a watch keeps up to date: pods, or Services. Called by the watch's thread.
class WatchedObjects {
 public:
  virtual ~WatchedObjects() = default;
  virtual void begin_list() = 0;  // until end_list, everything there is will be named
  virtual void end_list() = 0;
  virtual void upsert(const nlohmann::json& object) = 0;
  virtual void remove(const nlohmann::json& object) = 0;
};

// Called from any thread; event types as in docs/CONFIGURATION.md: pod_watcher_…
using IdentityLog = std::function<void(const std::string& event_type, const std::string& message)>;

// List, then watch from there with bookmarks; on 410 Gone list again; on failure try again with jitter.
class ResourceWatch {
 public:
  struct Settings {
    std::string what = "pods";  // for messages
    std::string path = "/api/v1/pods";
    std::string selector;    // "fieldSelector=…", or empty
    bool from_cache = true;  // list from the API server's memory, in one piece; else by pages from its store
    std::chrono::milliseconds backoff_min{500};
    std::chrono::milliseconds backoff_max{30'000};
  };

  ResourceWatch(Settings settings, std::unique_ptr<ApiClient> client, WatchedObjects& objects, IdentityLog log);

  void run();   // returns after stop
  void stop();  // any thread
  // Empty while it is in step with the API server, else the sentence for /readyz. Any thread.
  std::string not_ready_reason() const;

 private:
  enum class Outcome { done, gone, failed };

  Outcome list();
  Outcome watch();
  Outcome take_page(const std::string& body, std::string& next);
  bool on_line(std::string_view line, Outcome& outcome);
  Outcome refused(const ApiClient::Reply& reply);
  Outcome failed(const std::string& reason);
  void synced();
  void back_off();

  Settings settings_;
  std::unique_ptr<ApiClient> client_;
  WatchedObjects& objects_;
  IdentityLog log_;
  int refusals_ = 0;         // one after the other
  std::string version_;      // resourceVersion to watch from; empty: list first
  bool fresh_list_ = false;  // the version we had is gone: the server's memory may be as old
  std::chrono::milliseconds backoff_;
  std::minstd_rand jitter_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::string reason_;
};

}  // namespace audio_latency
