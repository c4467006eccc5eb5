// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "audio_latency/result.hpp"

namespace audio_latency {

// HTTP/1.1 to the Kubernetes API server over one kept-alive connection. One thread; `interrupt` from any.
class ApiClient {
 public:
  struct Settings {
    std::string url;         // "https://10.96.0.1:443"
    std::string ca_file;     // empty: the system's certificates
    std::string token_file;  // read before each request, since it rotates; empty: no token
  };
  struct Reply {
    long status = 0;
    std::string body;
  };
  // One line of a streamed answer, without its end. False: that is enough.
  using OnLine = std::function<bool(std::string_view)>;

  static Result<std::unique_ptr<ApiClient>> create(Settings settings);
  ~ApiClient();
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  // `path` with its query. The error is a sentence for /readyz. Bodies above 256 MiB are refused.
  Result<Reply> get(const std::string& path);
  // Calls `on_open` once the server has accepted, then hands over each line of the answer. Answers other than 200 are
  // returned with their body.
  Result<Reply> stream(const std::string& path, const std::function<void()>& on_open, const OnLine& on_line);
  // Ends the request that is under way and all later ones.
  void interrupt();
  bool interrupted() const { return stop_.load(std::memory_order_relaxed); }

 private:
  struct Transfer;
  ApiClient(Settings settings, void* curl, void* multi);
  Result<Reply> perform(const std::string& path, Transfer& transfer, long timeout_s);

  int run();  // CURLcode

  Settings settings_;
  void* curl_;
  void* multi_;
  std::atomic<bool> stop_{false};
};

}  // namespace audio_latency
