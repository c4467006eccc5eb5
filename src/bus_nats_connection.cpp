// SPDX-License-Identifier: Apache-2.0
#include "bus_nats_connection.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "wall_clock.hpp"

namespace audio_latency {
namespace {

using namespace std::chrono_literals;

constexpr int kPendingMessages = 16'384;  // in the library, before they reach arrive()
constexpr int kPendingBytes = 64 << 20;
constexpr auto kGoodbye = 1s;

}  // namespace

NatsTransport::Connection::Connection(NatsSettings settings, Fd wake)
    : settings_(std::move(settings)), wake_(std::move(wake)), problem_("The bus is not connected yet.") {}

NatsTransport::Connection::~Connection() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void NatsTransport::Connection::start() {
  thread_ = std::thread([this] { run(); });
}

bool NatsTransport::Connection::enqueue(BusMember to, BusMessage message, std::size_t observations) {
  {
    const std::lock_guard lock(mutex_);
    if (outgoing_.size() >= kMostMessages || outgoing_observations_ + observations > kMostObservations) return false;
    outgoing_.push_back({to, std::move(message), observations});
    outgoing_observations_ += observations;
  }
  changed_.notify_one();
  return true;
}

void NatsTransport::Connection::take(std::vector<BusArrival>& arrivals) {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t emptied = read(wake_.get(), &count, sizeof count);
  const std::lock_guard lock(mutex_);
  arrivals.swap(arrivals_);
  arrived_observations_ = 0;
}

std::string NatsTransport::Connection::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

BusTransportStats NatsTransport::Connection::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void NatsTransport::Connection::run() {
  pthread_setname_np(pthread_self(), "bus");
  int failures = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    if (nats_ == nullptr || closed_.load()) {
      if (stop_) break;
      lock.unlock();
      disconnect();
      const bool made = connect();
      lock.lock();
      failures = made ? 0 : failures + 1;
      if (!made) changed_.wait_for(lock, delay_after(failures - 1) * 1ms, [this] { return stop_; });
      continue;
    }
    changed_.wait_for(lock, 500ms, [this] { return stop_ || !outgoing_.empty() || closed_.load(); });
    if (outgoing_.empty()) {
      if (stop_) break;
      continue;
    }
    Outgoing next = std::move(outgoing_.front());
    outgoing_.pop_front();
    outgoing_observations_ -= next.observations;
    lock.unlock();
    publish(next);
    lock.lock();
  }
  lock.unlock();
  if (connected_.load()) natsConnection_FlushTimeout(nats_, 500);
  disconnect();
}

bool NatsTransport::Connection::connect() {
  auto options = nats_options(settings_);
  if (!options) {
    set_connected(false, options.error().message);
    return false;
  }
  natsOptions_SetDisconnectedCB(*options, on_disconnected, this);
  natsOptions_SetReconnectedCB(*options, on_reconnected, this);
  natsOptions_SetClosedCB(*options, on_closed, this);
  // What the library drops for want of room shows as a gap in a sender's count; by itself it would write to standard
  // error each time.
  natsOptions_SetErrorHandler(
      *options, [](natsConnection*, natsSubscription*, natsStatus, void*) {}, nullptr);
  natsOptions_SetCustomReconnectDelay(*options, reconnect_delay, this);
  closed_.store(false);
  const natsStatus status = natsConnection_Connect(&nats_, *options);
  const char* detail = status == NATS_OK ? nullptr : nats_GetLastError(nullptr);
  const std::string sentence =
      status == NATS_OK ? "" : nats_sentence(status, detail == nullptr ? "" : detail, settings_);
  natsOptions_Destroy(*options);
  if (status != NATS_OK) {
    nats_ = nullptr;
    set_connected(false, sentence);
    return false;
  }
  {
    const std::lock_guard lock(mutex_);
    ++calling_back_;
  }
  if (!subscribe()) {
    set_connected(false, "The bus does not let this node subscribe (" + detail_of(nats_) + ").");
    return false;
  }
  set_connected(true, "");
  return true;
}

bool NatsTransport::Connection::subscribe() {
  for (const std::string& subject : {settings_.subject + ".members", subject_of(settings_.self)}) {
    natsSubscription* subscription = nullptr;
    if (natsConnection_Subscribe(&subscription, nats_, subject.c_str(), on_message, this) != NATS_OK) return false;
    subscriptions_.push_back(subscription);
    {
      const std::lock_guard lock(mutex_);
      ++calling_back_;
    }
    natsSubscription_SetOnCompleteCB(subscription, on_complete, this);
    natsSubscription_SetPendingLimits(subscription, kPendingMessages, kPendingBytes);
  }
  return true;
}

// Leaves nothing of the library that might call back.
void NatsTransport::Connection::disconnect() {
  connected_.store(false);
  for (natsSubscription* subscription : subscriptions_) natsSubscription_Destroy(subscription);
  subscriptions_.clear();
  if (nats_ != nullptr) natsConnection_Destroy(nats_);
  nats_ = nullptr;
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kGoodbye, [this] { return calling_back_ <= 0; });
}

void NatsTransport::Connection::publish(Outgoing& outgoing) {
  if (!connected_.load()) {
    const std::lock_guard lock(mutex_);
    stats_.observations_unsent += outgoing.observations;
    return;
  }
  if (auto* batch = std::get_if<BusBatch>(&outgoing.message.content)) stamp(*batch, monotonic_ns());
  const std::string bytes = encode(outgoing.message);
  const std::string subject = outgoing.to == 0 ? settings_.subject + ".members" : subject_of(outgoing.to);
  const natsStatus status =
      natsConnection_Publish(nats_, subject.c_str(), bytes.data(), static_cast<int>(bytes.size()));
  const std::lock_guard lock(mutex_);
  if (status != NATS_OK) {
    stats_.observations_unsent += outgoing.observations;
    return;
  }
  ++stats_.messages_sent;
  stats_.bytes_sent += bytes.size();
}

void NatsTransport::Connection::wake() const {
  const std::uint64_t one = 1;
  // It can only fail by overflow, and then the reader is awake.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof one);
}

void NatsTransport::Connection::set_connected(bool connected, const std::string& problem) {
  {
    const std::lock_guard lock(mutex_);
    problem_ = problem;
    stats_.connections += connected ? 1 : 0;
  }
  connected_.store(connected);
  wake();
}

std::string NatsTransport::Connection::subject_of(BusMember member) const {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(member));
  return settings_.subject + ".to." + text.data();
}

}  // namespace audio_latency
