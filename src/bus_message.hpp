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

constexpr std::uint32_t kBusVersion = 2;

// One run of one daemon on the bus; random, never 0.
using BusMember = std::uint64_t;

struct BusHeartbeat {
  std::string node;
  bool leaving = false;
  std::uint32_t load = 0;    // observations a second that it matches
  std::uint32_t owners = 0;  // that it would spread signatures over; 0: it has no opinion
};

struct BusEndpoint {
  std::uint32_t number = 0;
  bool local = false;
  Endpoint endpoint;
};

// A flow as it passes one capture point: what all observations of it there have in common.
struct BusView {
  FlowKey key;
  std::uint32_t interface = 0;
  std::uint8_t direction = AL_INGRESS;
  std::uint8_t kind = AL_IDENTITY_UDP;  // of its packets' identity
  bool tunnelled = false;

  auto operator<=>(const BusView&) const = default;
};

struct BusFlow {
  std::uint32_t number = 0;
  BusView view;
  std::uint32_t sender = 0;  // number of a BusEndpoint; 0: the bare address
  std::uint32_t receiver = 0;
};

// An observation without what its flow says already.
struct BusRecord {
  std::int64_t time_ns = 0;  // event time until it is sent; then the sender's time of day, ns since 1970
  std::uint64_t signature = 0;
  std::uint32_t flow = 0;    // number of a BusFlow
  std::uint32_t packet = 0;  // packet_number()
  std::uint16_t ip_id = 0;
  Domain domain = Domain::verbatim;
  std::uint8_t ttl = 0;
  bool learned = false;

  auto operator<=>(const BusRecord&) const = default;
};

struct BusBatch {
  std::string node;
  std::uint64_t stream = 0;
  std::uint64_t first = 0;
  // When it leaves, by the sender's time of day. Until then only what is to be added to event time: the transport does.
  std::int64_t sent_ns = 0;
  std::uint64_t token = 0;  // comes back with the answer: the sender's event time when it left; 0: no answer wanted
  std::uint64_t echoed_token = 0;          // of the message that is answered; 0: none
  std::int64_t echoed_received_ns = 0;     // when that came, by the sender's time of day
  std::uint64_t clock_uncertainty_ns = 0;  // 0: as told before
  std::uint32_t clock_set = 0;             // how often the sender's clock has been set: no time before is comparable
  bool hurry = false;                      // the answer is wanted at once
  bool define_again = false;
  std::vector<BusEndpoint> endpoints;
  std::vector<BusFlow> flows;
  std::vector<BusRecord> records;
  std::vector<std::uint32_t> behind;  // the receiver's flows whose packets another node sees before it
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
