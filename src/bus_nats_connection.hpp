// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "bus_nats.hpp"
#include "fd.hpp"

namespace audio_latency {

// The options of one connection, or the sentence why there are none. The library's status codes as sentences.
Result<natsOptions*> nats_options(const NatsSettings& settings);
std::string nats_sentence(natsStatus status, const std::string& detail, const NatsSettings& settings);
std::string detail_of(natsConnection* connection);  // what the library says of its last error
std::int64_t delay_after(int attempts);             // ms: the back-off between attempts to connect

// Owns the library's objects and the threads that use them: one of its own connects and publishes, the library's
// deliver. What they share with the loop thread is behind `mutex_`, which nobody holds while waiting.
class NatsTransport::Connection {
 public:
  Connection(NatsSettings settings, Fd wake);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  // False: no room. `to` 0 is everybody.
  bool enqueue(BusMember to, BusMessage message, std::size_t observations);
  void take(std::vector<BusArrival>& arrivals);

  const NatsSettings& settings() const { return settings_; }
  int fd() const { return wake_.get(); }
  bool connected() const { return connected_.load(); }
  std::string problem() const;
  BusTransportStats stats() const;

 private:
  static constexpr std::size_t kMostMessages = 4096;  // that wait, in each direction
  static constexpr std::size_t kMostObservations = 262'144;

  struct Outgoing {
    BusMember to = 0;
    BusMessage message;
    std::size_t observations = 0;
  };

  void run();
  bool connect();
  void disconnect();
  bool subscribe();
  void publish(Outgoing& outgoing);
  void wake() const;
  void set_connected(bool connected, const std::string& problem);
  std::string subject_of(BusMember member) const;

  static void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* self);
  static void on_disconnected(natsConnection* connection, void* self);
  static void on_reconnected(natsConnection*, void* self);
  static void on_closed(natsConnection* connection, void* self);
  static void on_complete(void* self);
  static std::int64_t reconnect_delay(natsConnection*, int attempts, void* self);
  void arrive(const char* data, int size);
  void ended();  // one object of the library calls back no more

  const NatsSettings settings_;
  const Fd wake_;
  natsConnection* nats_ = nullptr;  // the thread's
  std::vector<natsSubscription*> subscriptions_;
  std::atomic<bool> connected_{false};
  std::atomic<bool> closed_{false};  // for good: the thread connects anew

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Outgoing> outgoing_;
  std::size_t outgoing_observations_ = 0;
  std::vector<BusArrival> arrivals_;
  std::size_t arrived_observations_ = 0;
  std::string problem_;
  BusTransportStats stats_;
  bool stop_ = false;
  int calling_back_ = 0;  // objects of the library that may call back
  std::thread thread_;
};

}  // namespace audio_latency
