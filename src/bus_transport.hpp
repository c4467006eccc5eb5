// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bus_message.hpp"

namespace audio_latency {

struct BusArrival {
  BusMessage message;
  EventTime received = 0;  // CLOCK_MONOTONIC
};

// What a transport does to a batch that leaves at `now`.
inline void stamp(BusBatch& batch, EventTime now) {
  batch.sent_ns += static_cast<std::int64_t>(now);
  if (batch.token != 0) batch.token = now;
}

// All counted since the start.
struct BusTransportStats {
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_sent = 0;  // of payload
  std::uint64_t bytes_received = 0;
  std::uint64_t observations_unsent = 0;   // the connection was gone when their batch's turn came
  std::uint64_t observations_untaken = 0;  // arrived faster than they were taken
  std::uint64_t connections = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(BusRefusal::count)> refused{};
};

// Carries messages between members. The caller is one thread; nothing here blocks it.
class BusTransport {
 public:
  virtual ~BusTransport() = default;

  // False: the queue is full, nothing was taken. The batch is stamped when it leaves.
  virtual bool send(BusMember to, BusBatch batch) = 0;
  // To everybody, this member included.
  virtual void announce(const BusHeartbeat& heartbeat) = 0;
  // To this member alone: what does not come back shows that the bus does not deliver.
  virtual void probe() = 0;

  virtual int fd() const = 0;  // readable where receive() has something, or connected() has changed
  virtual void receive(std::vector<BusArrival>& arrivals) = 0;
  virtual bool connected() const = 0;
  virtual std::string problem() const = 0;  // a sentence; empty where connected
  virtual BusTransportStats stats() const = 0;
};

}  // namespace audio_latency
