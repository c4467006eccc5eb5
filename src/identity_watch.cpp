// SPDX-License-Identifier: Apache-2.0
#include "identity_watch.hpp"

#include <malloc.h>

#include <nlohmann/json.hpp>

namespace audio_latency {
namespace {

using Json = nlohmann::json;

constexpr int kPage = 500;
constexpr int kItemDepth = 2;  // of the objects in {"items": […]}
constexpr int kRefusalsToList = 8;
constexpr int kWatchSeconds = 300;  // the server ends the watch; spread, so that nodes do not come back at once

std::string text(const Json& object, const char* parent, const char* name) {
  const auto outer = object.find(parent);
  if (outer == object.end() || !outer->is_object()) return {};
  const auto inner = outer->find(name);
  return inner != outer->end() && inner->is_string() ? inner->get<std::string>() : std::string{};
}

// What an API server says beside a status code (meta/v1 Status).
std::string message_of(const std::string& body) {
  const Json status = Json::parse(body, nullptr, false);
  if (status.is_object() && status.contains("message") && status["message"].is_string()) {
    return status["message"].get<std::string>();
  }
  return body.substr(0, 200);
}

}  // namespace

ResourceWatch::ResourceWatch(Settings settings, std::unique_ptr<ApiClient> client, WatchedObjects& objects,
                             IdentityLog log)
    : settings_(std::move(settings)),
      client_(std::move(client)),
      objects_(objects),
      log_(std::move(log)),
      backoff_(settings_.backoff_min),
      jitter_(std::random_device{}()),
      reason_("the " + settings_.what + " are not listed yet") {}

void ResourceWatch::run() {
  log_("pod_watcher_started", "watching " + settings_.what);
  while (!client_->interrupted()) {
    const Outcome outcome = version_.empty() ? list() : watch();
    if (outcome == Outcome::gone) {
      log_("pod_watcher_relist", "the version of the " + settings_.what + " is gone: listing again");
      version_.clear();
      fresh_list_ = true;
    }
    if (outcome == Outcome::failed) back_off();
  }
}

void ResourceWatch::stop() {
  client_->interrupt();
  const std::lock_guard lock(mutex_);
  wake_.notify_all();
}

std::string ResourceWatch::not_ready_reason() const {
  const std::lock_guard lock(mutex_);
  return reason_;
}

ResourceWatch::Outcome ResourceWatch::list() {
  const bool whole = settings_.from_cache && !fresh_list_;
  std::string next;
  objects_.begin_list();
  do {
    std::string path = settings_.path + "?" + settings_.selector;
    path += whole ? "&resourceVersion=0" : "&limit=" + std::to_string(kPage);
    if (!next.empty()) path += "&continue=" + next;
    const auto reply = client_->get(path);
    if (!reply) return failed(reply.error().message);
    if (reply->status != 200) return refused(*reply);
    const Outcome outcome = take_page(reply->body, next);
    if (outcome != Outcome::done) return outcome;
  } while (!next.empty());
  objects_.end_list();
  malloc_trim(0);  // what reading the pages took is not needed again
  fresh_list_ = false;
  synced();
  return Outcome::done;
}

ResourceWatch::Outcome ResourceWatch::take_page(const std::string& body, std::string& next) {
  // Object by object: all of a large list at once takes many times its length.
  const auto take_item = [this](int depth, Json::parse_event_t event, Json& value) {
    if (depth != kItemDepth || event != Json::parse_event_t::object_end) return true;
    objects_.upsert(value);
    return false;
  };
  const Json page = Json::parse(body, take_item, false);
  if (!page.is_object() || !page.contains("items")) {
    return failed("the API server's list of " + settings_.what + " is not one");
  }
  next = text(page, "metadata", "continue");
  if (next.empty()) version_ = text(page, "metadata", "resourceVersion");
  if (next.empty() && version_.empty()) return failed("the API server's list of " + settings_.what + " has no version");
  return Outcome::done;
}

ResourceWatch::Outcome ResourceWatch::watch() {
  const int seconds = kWatchSeconds + static_cast<int>(jitter_() % kWatchSeconds);
  const std::string path = settings_.path + "?" + settings_.selector + "&watch=1&allowWatchBookmarks=true" +
                           "&resourceVersion=" + version_ + "&timeoutSeconds=" + std::to_string(seconds);
  Outcome outcome = Outcome::done;
  const auto started = std::chrono::steady_clock::now();
  const auto reply = client_->stream(
      path, [this] { synced(); }, [this, &outcome](std::string_view line) { return on_line(line, outcome); });
  if (!reply) return failed(reply.error().message);
  if (reply->status != 200) return refused(*reply);
  // A server that ends every watch at once must not be asked in a circle.
  const bool at_once = std::chrono::steady_clock::now() - started < settings_.backoff_min;
  if (outcome == Outcome::done && at_once) back_off();
  return outcome;
}

bool ResourceWatch::on_line(std::string_view line, Outcome& outcome) {
  const Json event = Json::parse(line, nullptr, false);
  const auto object = event.is_object() ? event.find("object") : event.end();
  if (!event.is_object() || object == event.end() || !object->is_object()) {
    outcome = failed("the API server's watch of " + settings_.what + " sent something else than an event");
    return false;
  }
  const std::string type = event.value("type", "");
  if (type == "ERROR") {
    const auto code = object->find("code");
    outcome = code != object->end() && *code == 410 ? Outcome::gone : failed("the watch failed: " + object->dump());
    return false;
  }
  if (type == "ADDED" || type == "MODIFIED") objects_.upsert(*object);
  if (type == "DELETED") objects_.remove(*object);
  const std::string version = text(*object, "metadata", "resourceVersion");
  if (!version.empty()) version_ = version;
  return true;
}

ResourceWatch::Outcome ResourceWatch::refused(const ApiClient::Reply& reply) {
  if (reply.status == 410) return Outcome::gone;
  // A server that was set up anew does not know the version, and need not say so by 410.
  if (++refusals_ % kRefusalsToList == 0) version_.clear();
  const std::string answer = std::to_string(reply.status) + ": " + message_of(reply.body);
  if (reply.status == 401) return failed("the API server does not accept the service account's token (" + answer + ")");
  if (reply.status == 403) {
    return failed("the API server refuses to list and watch " + settings_.what +
                  "; grant this service account get, list and watch on " + settings_.what + " (" + answer + ")");
  }
  return failed("the API server does not list " + settings_.what + " (" + answer + ")");
}

ResourceWatch::Outcome ResourceWatch::failed(const std::string& reason) {
  if (client_->interrupted()) return Outcome::done;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = reason_ != reason;
    reason_ = reason;
  }
  if (news) log_("pod_watcher_error", reason);
  return Outcome::failed;
}

void ResourceWatch::synced() {
  refusals_ = 0;
  backoff_ = settings_.backoff_min;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = !reason_.empty();
    reason_.clear();
  }
  if (news) log_("pod_watcher_synced", "the " + settings_.what + " are known");
}

void ResourceWatch::back_off() {
  const auto half = std::max<std::int64_t>(backoff_.count() / 2, 1);
  const std::chrono::milliseconds wait(half + static_cast<std::int64_t>(jitter_()) % (2 * half));
  backoff_ = std::min(backoff_ * 2, settings_.backoff_max);
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, wait, [this] { return client_->interrupted(); });
}

}  // namespace audio_latency
