// SPDX-License-Identifier: Apache-2.0
#include "support/identity_api_server.hpp"

#include <httplib.h>

#include <algorithm>
#include <thread>

namespace audio_latency {

using Json = nlohmann::json;

struct FakeApiServer::State {
  std::unique_ptr<httplib::Server> server;
  std::thread thread;
  int port = 0;

  mutable std::mutex mutex;
  std::condition_variable news;
  std::map<std::string, Json> pods;                           // by UID
  std::vector<std::pair<std::uint64_t, std::string>> events;  // version, line
  std::uint64_t version = 100;
  std::uint64_t compacted = 0;
  bool gone_by_status = false;
  bool stopping = false;
  int refusal = 0;
  std::string refusal_message;
  std::string token;
  std::size_t lists = 0;
  std::size_t watches = 0;
  std::vector<std::string> requests;
  std::vector<std::uint64_t> watched_from;

  static Json status(int code, const std::string& message) {
    return {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Failure"}, {"message", message}, {"code", code}};
  }
  static void answer(httplib::Response& response, int code, const std::string& message) {
    response.status = code;
    response.set_content(status(code, message).dump(), "application/json");
  }

  void serve(const httplib::Request& request, httplib::Response& response) {
    const std::lock_guard lock(mutex);
    requests.push_back(request.target);
    if (refusal != 0) return answer(response, refusal, refusal_message);
    if (!token.empty() && request.get_header_value("Authorization") != "Bearer " + token) {
      return answer(response, 401, "Unauthorized");
    }
    if (request.has_param("watch")) return watch(request, response);
    list(request, response);
  }

  void list(const httplib::Request& request, httplib::Response& response) {
    ++lists;
    const std::size_t limit = request.has_param("limit") ? std::stoul(request.get_param_value("limit")) : pods.size();
    const std::size_t from = request.has_param("continue") ? std::stoul(request.get_param_value("continue")) : 0;
    Json page = {{"kind", "PodList"}, {"items", Json::array()}};
    page["metadata"]["resourceVersion"] = std::to_string(version);
    std::size_t index = 0;
    for (const auto& [uid, pod] : pods) {
      if (index >= from && index < from + limit) page["items"].push_back(pod);
      ++index;
    }
    if (from + limit < pods.size()) page["metadata"]["continue"] = std::to_string(from + limit);
    response.set_content(page.dump(), "application/json");
  }

  void watch(const httplib::Request& request, httplib::Response& response) {
    ++watches;
    const std::uint64_t from = std::stoull(request.get_param_value("resourceVersion"));
    watched_from.push_back(from);
    if (from < compacted && gone_by_status) return answer(response, 410, "too old resource version");
    auto next = std::make_shared<std::uint64_t>(from);
    response.set_chunked_content_provider("application/json", [this, next](std::size_t, httplib::DataSink& sink) {
      std::string lines;
      {
        std::unique_lock lock(mutex);
        news.wait_for(lock, std::chrono::milliseconds(50), [&] { return stopping || version > *next; });
        if (stopping) {
          sink.done();
          return true;
        }
        if (*next < compacted) {
          lines = Json{{"type", "ERROR"}, {"object", status(410, "too old resource version")}}.dump() + "\n";
        } else {
          for (const auto& [at, line] : events) {
            if (at > *next) lines += line;
          }
        }
        *next = version;
      }
      if (!lines.empty() && !sink.write(lines.data(), lines.size())) return false;
      return sink.is_writable();
    });
  }

  void add_event(const std::string& type, Json object) {
    ++version;
    object["metadata"]["resourceVersion"] = std::to_string(version);
    events.emplace_back(version, Json{{"type", type}, {"object", object}}.dump() + "\n");
    const std::string uid = object["metadata"].value("uid", "");
    if (type == "DELETED") {
      pods.erase(uid);
    } else if (!uid.empty()) {
      pods[uid] = std::move(object);
    }
    news.notify_all();
  }
};

FakeApiServer::FakeApiServer() : state_(std::make_unique<State>()) {
  start();
}

FakeApiServer::~FakeApiServer() {
  stop();
}

void FakeApiServer::start() {
  state_->stopping = false;
  state_->server = std::make_unique<httplib::Server>();
  state_->server->Get("/api/v1/pods",
                      [state = state_.get()](const httplib::Request& request, httplib::Response& response) {
                        state->serve(request, response);
                      });
  if (state_->port == 0) {
    state_->port = state_->server->bind_to_any_port("127.0.0.1");
  } else {
    state_->server->bind_to_port("127.0.0.1", state_->port);
  }
  state_->thread = std::thread([server = state_->server.get()] { server->listen_after_bind(); });
  while (!state_->server->is_running()) std::this_thread::yield();
}

void FakeApiServer::stop() {
  if (!state_->thread.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->news.notify_all();
  }
  state_->server->stop();
  state_->thread.join();
}

std::string FakeApiServer::url() const {
  return "http://127.0.0.1:" + std::to_string(state_->port);
}

Json FakeApiServer::pod(const std::string& uid, const std::string& name, const std::string& address) {
  Json json = Json::parse(R"({"kind": "Pod", "apiVersion": "v1",
    "metadata": {"namespace": "media", "labels": {"app": "call", "pod-template-hash": "7d4b9c6f5"},
      "annotations": {"kubernetes.io/config.source": "api"},
      "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "call-7d4b9c6f5", "controller": true}]},
    "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "call:1"}], "restartPolicy": "Always"},
    "status": {"phase": "Running", "hostIP": "192.168.0.1"}})");
  json["metadata"]["uid"] = uid;
  json["metadata"]["name"] = name;
  if (address.empty()) {
    json["status"]["phase"] = "Pending";
  } else {
    json["status"]["podIP"] = address;
    json["status"]["podIPs"] = Json::array({{{"ip", address}}});
  }
  return json;
}

void FakeApiServer::send(const std::string& type, Json pod) {
  const std::lock_guard lock(state_->mutex);
  state_->add_event(type, std::move(pod));
}

void FakeApiServer::send_bookmark() {
  const std::lock_guard lock(state_->mutex);
  state_->add_event("BOOKMARK", {{"kind", "Pod"}, {"metadata", Json::object()}});
}

void FakeApiServer::refuse(int status, const std::string& message) {
  const std::lock_guard lock(state_->mutex);
  state_->refusal = status;
  state_->refusal_message = message;
}

void FakeApiServer::want_token(const std::string& token) {
  const std::lock_guard lock(state_->mutex);
  state_->token = token;
}

void FakeApiServer::compact(bool by_status) {
  const std::lock_guard lock(state_->mutex);
  state_->compacted = ++state_->version;
  state_->gone_by_status = by_status;
  state_->events.clear();
  state_->news.notify_all();
}

std::size_t FakeApiServer::lists() const {
  const std::lock_guard lock(state_->mutex);
  return state_->lists;
}

std::size_t FakeApiServer::watches() const {
  const std::lock_guard lock(state_->mutex);
  return state_->watches;
}

std::vector<std::string> FakeApiServer::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}

bool FakeApiServer::watched_from(std::uint64_t version) const {
  const std::lock_guard lock(state_->mutex);
  return std::find(state_->watched_from.begin(), state_->watched_from.end(), version) != state_->watched_from.end();
}

std::uint64_t FakeApiServer::version() const {
  const std::lock_guard lock(state_->mutex);
  return state_->version;
}

}  // namespace audio_latency
