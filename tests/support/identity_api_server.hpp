// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace audio_latency {

// A Kubernetes API server as far as the pod watcher goes: answers recorded from a real one (1.20), replayed over HTTP
// with the versions, pages, bookmarks and errors that a test asks for. Any thread.
class FakeApiServer {
 public:
  FakeApiServer();
  ~FakeApiServer();
  FakeApiServer(const FakeApiServer&) = delete;
  FakeApiServer& operator=(const FakeApiServer&) = delete;

  std::string url() const;

  // A running pod with an address ("" for none yet), as the server would show it.
  static nlohmann::json pod(const std::string& uid, const std::string& name, const std::string& address);
  // ADDED, MODIFIED or DELETED for all watches; lists change accordingly.
  void send(const std::string& type, nlohmann::json pod);
  void send_bookmark();

  // Answers every request with this status until it is 0 again.
  void refuse(int status, const std::string& message);
  // Only requests with this token are answered.
  void want_token(const std::string& token);
  // Versions up to now are forgotten (etcd's compaction): watches end with 410, in the stream or, where `by_status`, as
  // the answer.
  void compact(bool by_status);
  // Ends all watches and goes away, then comes back on the same port.
  void stop();
  void start();

  std::size_t lists() const;
  std::size_t watches() const;
  std::vector<std::string> requests() const;
  bool watched_from(std::uint64_t version) const;
  std::uint64_t version() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace audio_latency
