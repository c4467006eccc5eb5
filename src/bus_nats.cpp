// SPDX-License-Identifier: Apache-2.0
#include "bus_nats.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstring>

#include "bus_nats_connection.hpp"

namespace audio_latency {

Result<std::unique_ptr<NatsTransport>> NatsTransport::create(const NatsSettings& settings) {
  if (nats_Open(-1) != NATS_OK) return Error{"The NATS library can't be started."};
  Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return Error{std::string("An eventfd can't be made: ") + std::strerror(errno) + "."};
  auto connection = std::make_unique<Connection>(settings, std::move(wake));
  connection->start();
  return std::unique_ptr<NatsTransport>(new NatsTransport(std::move(connection)));
}

NatsTransport::NatsTransport(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
NatsTransport::~NatsTransport() = default;

bool NatsTransport::send(BusMember to, BusBatch batch) {
  const std::size_t observations = batch.records.size();
  return connection_->enqueue(to, {connection_->settings().self, std::move(batch)}, observations);
}

void NatsTransport::announce(const BusHeartbeat& heartbeat) {
  connection_->enqueue(0, {connection_->settings().self, heartbeat}, 0);
}

void NatsTransport::probe() {
  const BusMember self = connection_->settings().self;
  connection_->enqueue(self, {self, BusHeartbeat{connection_->settings().node, false}}, 0);
}

int NatsTransport::fd() const {
  return connection_->fd();
}
void NatsTransport::receive(std::vector<BusArrival>& arrivals) {
  connection_->take(arrivals);
}
bool NatsTransport::connected() const {
  return connection_->connected();
}
std::string NatsTransport::problem() const {
  return connection_->problem();
}
BusTransportStats NatsTransport::stats() const {
  return connection_->stats();
}

}  // namespace audio_latency
