// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "audio_latency/endpoint.hpp"
#include "audio_latency/observation.hpp"

namespace audio_latency {

constexpr std::uint32_t kBusVersion = 1;

// One run of one daemon on the bus; random, never 0.
using BusMember = std::uint64_t;

struct BusHeartbeat {
  std::string node;
  bool leaving = false;
};

struct BusEndpoint {
  std::uint32_t number = 0;
  bool local = false;
  Endpoint endpoint;
};

struct BusFlow {
  std::uint32_t number = 0;
  FlowKey key;
  std::uint32_t sender = 0;  // number of a BusEndpoint; 0: the bare address
  std::uint32_t receiver = 0;
};

// An observation without what its flow says already. Times of day, ns since 1970.
struct BusRecord {
  std::int64_t time_ns = 0;
  std::uint64_t signature = 0;
  std::uint32_t flow = 0;  // number of a BusFlow
  std::uint32_t interface = 0;
  PacketIdentity packet;
  Domain domain = Domain::verbatim;
  std::uint8_t direction = AL_INGRESS;
  std::uint8_t ttl = 0;
  std::uint8_t leading_zeros = 0;
  bool tunnelled = false;
  bool learned = false;

  auto operator<=>(const BusRecord&) const = default;
};

struct BusBatch {
  std::string node;
  std::uint64_t stream = 0;
  std::uint64_t first = 0;
  std::int64_t sent_ns = 0;
  std::int64_t echoed_sent_ns = 0;
  std::int64_t echoed_received_ns = 0;
  std::uint64_t clock_uncertainty_ns = 0;
  bool define_again = false;
  std::vector<BusEndpoint> endpoints;
  std::vector<BusFlow> flows;
  std::vector<BusRecord> records;
};

struct BusMessage {
  BusMember sender = 0;
  std::variant<BusHeartbeat, BusBatch> content;
};

// Limits of what is sent and accepted.
constexpr std::size_t kBusBatchRecords = 256;
constexpr std::size_t kBusMostRecords = 4096;
constexpr std::size_t kBusMostDefinitions = 4096;
constexpr std::size_t kBusLongestName = 253;             // bytes
constexpr std::uint32_t kBusHighestNumber = (1U << 20);  // of flows and endpoints

// Why a message was not taken: label `reason` of audio_bus_refused_messages_total.
enum class BusRefusal : std::uint8_t { none, version, malformed, count };
const char* to_string(BusRefusal reason);

// Any thread.
std::string encode(const BusMessage& message);
// Never trusts what it reads: `message` is valid only where the result is `none`.
BusRefusal decode(std::string_view bytes, BusMessage& message);

}  // namespace audio_latency
