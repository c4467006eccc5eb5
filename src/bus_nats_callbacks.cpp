// SPDX-License-Identifier: Apache-2.0
// What the library's threads call.
#include <algorithm>

#include "bus_nats_connection.hpp"
#include "wall_clock.hpp"

namespace audio_latency {
namespace {

constexpr std::int64_t kFirstDelay = 250;  // ms before the first new attempt; doubled up to
constexpr std::int64_t kLongestDelay = 2'000;

std::size_t observations_in(const BusMessage& message) {
  const auto* batch = std::get_if<BusBatch>(&message.content);
  return batch == nullptr ? 0 : batch->records.size();
}

}  // namespace

std::string detail_of(natsConnection* connection) {
  const char* text = nullptr;
  if (connection != nullptr) natsConnection_GetLastError(connection, &text);
  return text == nullptr ? "" : text;
}

std::int64_t delay_after(int attempts) {
  return std::min(kFirstDelay << std::clamp(attempts, 0, 10), kLongestDelay);
}

void NatsTransport::Connection::arrive(const char* data, int size) {
  const EventTime received = monotonic_ns();
  BusArrival arrival;
  arrival.received = received;
  const BusRefusal refusal = decode({data, static_cast<std::size_t>(size)}, arrival.message);
  {
    const std::lock_guard lock(mutex_);
    ++stats_.messages_received;
    stats_.bytes_received += static_cast<std::uint64_t>(size);
    if (refusal != BusRefusal::none) {
      ++stats_.refused[static_cast<std::size_t>(refusal)];
      return;
    }
    const std::size_t observations = observations_in(arrival.message);
    if (arrivals_.size() >= kMostMessages || arrived_observations_ + observations > kMostObservations) {
      stats_.observations_untaken += observations;
      return;
    }
    arrived_observations_ += observations;
    arrivals_.push_back(std::move(arrival));
  }
  wake();
}

void NatsTransport::Connection::on_message(natsConnection*, natsSubscription*, natsMsg* message, void* self) {
  static_cast<Connection*>(self)->arrive(natsMsg_GetData(message), natsMsg_GetDataLength(message));
  natsMsg_Destroy(message);
}

void NatsTransport::Connection::on_disconnected(natsConnection* connection, void* self) {
  auto& here = *static_cast<Connection*>(self);
  const std::string detail = detail_of(connection);
  here.set_connected(false, nats_sentence(NATS_CONNECTION_DISCONNECTED, detail, here.settings_));
}

void NatsTransport::Connection::on_reconnected(natsConnection*, void* self) {
  static_cast<Connection*>(self)->set_connected(true, "");
}

void NatsTransport::Connection::on_closed(natsConnection*, void* self) {
  auto& here = *static_cast<Connection*>(self);
  here.closed_.store(true);
  here.ended();
}

void NatsTransport::Connection::on_complete(void* self) {
  static_cast<Connection*>(self)->ended();
}

void NatsTransport::Connection::ended() {
  const std::lock_guard lock(mutex_);
  --calling_back_;
  changed_.notify_all();
}

std::int64_t NatsTransport::Connection::reconnect_delay(natsConnection*, int attempts, void*) {
  return delay_after(attempts - 1);
}

}  // namespace audio_latency
