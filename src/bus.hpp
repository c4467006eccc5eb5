// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "bus_flows.hpp"
#include "bus_inbox.hpp"
#include "bus_names.hpp"
#include "bus_outbox.hpp"
#include "bus_owners.hpp"
#include "bus_spread.hpp"
#include "log.hpp"
#include "pipeline.hpp"

namespace audio_latency {

struct BusSettings {
  BusMember self = 0;
  std::string node;
  std::size_t owners = 0;         // that signatures are spread over, where this node decides; 0: as the load wants
  EventTime maximum_latency = 0;  // ns
  EventTime flow_timeout = 0;     // ns
  std::size_t most_flows = 0;
  bool correct_clocks = false;
  EventTime settle = 300'000'000;  // ns
};

struct BusStats {
  std::uint64_t local = 0;      // own observations that this node owns: they do not leave the process
  std::uint64_t home = 0;       // own observations kept here though another should own them: loopback, no room
  std::uint64_t late = 0;       // too old when they came out of the kernel
  std::uint64_t relearned = 0;  // told again after a change of owners
  std::uint64_t behind = 0;     // flows that others have said another node sees first, as often as they said so
  std::size_t members = 0;      // that are heard, this one included
  std::size_t owners = 0;
  bool owns = false;
  bool connected = false;
  BusOutboxStats out;
  BusInboxStats in;
  BusTransportStats transport;
};

// The stage between identity and matcher where there are several nodes: an observation goes to the one node that owns
// its signature. Each is live on exactly one node, which records what it completes; wherever else it goes, it is
// learned: so nothing is recorded twice, whatever the nodes believe of each other (docs/SCALING.md). Loop thread only.
class Bus : public PlacedRouter {
 public:
  struct Matching {
    std::function<void(const PlacedObservation&)> observe;  // takes what belongs here
    // How far the times of another node's observations may be off that come after this.
    std::function<void(std::uint32_t node, std::uint64_t ns)> set_clock_uncertainty;
    // Does another node see the flow's packets before this one?
    std::function<bool(const FlowKey& flow, std::uint32_t node)> is_behind;
  };
  using Report = std::function<void(LogLevel level, const char* event_type, const std::string& message)>;
  // What `matching` calls, `names` and `transport` must outlive this.
  Bus(const BusSettings& settings, BusTransport& transport, BusNames& names, Matching matching, Report report);
  ~Bus() override;
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  bool route(PlacedObservation& seen) override;
  // Takes what has arrived, sends what is due, notices who came and went. At least each 20 ms.
  void step(EventTime now);
  // Once a second: how event time becomes time of day.
  void set_clock(std::int64_t offset_ns, std::uint64_t uncertainty_ns);

  Hearing hearing() const;
  BusStats stats() const;
  std::vector<BusPeerClock> clocks() const { return inbox_.clocks(clock()); }
  // Empty, or the sentence for /readyz.
  std::string not_ready_reason() const;

 private:
  void receive();
  void on_heartbeat(BusMember from, const BusHeartbeat& heartbeat);
  void on_batch(BusMember from, const BusBatch& batch, EventTime received);
  void take(const PlacedObservation& seen);
  BusInbox::Clock clock() const { return {now_, offset_ns_, uncertainty_ns_}; }
  void measure_clocks();
  void watch_connection();
  void beat();
  void expire();
  void on_change();
  void keep(const BusRecord& record);
  void report_clocks();
  void settle(PlacedObservation& own, std::uint32_t flow);

  BusSettings settings_;
  BusTransport& transport_;
  BusNames& names_;
  Matching matching_;
  Report report_;
  BusOwners owners_;
  BusSpread spread_;
  BusFlows flows_;
  BusOutbox outbox_;
  BusInbox inbox_;
  std::deque<BusRecord> history_;  // own observations of the last MAX_LATENCY, event time
  std::vector<BusArrival> arrivals_;
  std::uint64_t local_ = 0, home_ = 0, late_ = 0, relearned_ = 0, behind_ = 0;
  std::int64_t offset_ns_ = 0;
  std::uint64_t uncertainty_ns_ = 0;
  bool has_clock_ = false;
  static constexpr std::int64_t kClockStep = 100'000'000;  // ns: further than a clock is slewed within a second
  EventTime now_ = 0;
  EventTime flushed_ = 0;
  EventTime beaten_ = 0;
  EventTime announced_ = 0;
  EventTime aged_ = 0;
  EventTime changed_ = 0;  // 0: the owners have never changed
  static constexpr EventTime kReunited = 5'000'000'000;
  EventTime reunited_ = 0;  // 0: has never been cut off
  EventTime heard_ = 0;     // the last time that others could be heard
  EventTime returned_ = 0;  // when a probe last came back
  std::set<BusMember> refused_clocks_;
  bool reply_ = false;  // somebody new wants to hear of this member
  bool up_ = false;
};

}  // namespace audio_latency
