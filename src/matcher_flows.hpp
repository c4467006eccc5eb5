// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "audio_latency/endpoint.hpp"
#include "matcher_index.hpp"

namespace audio_latency::matching {

// Who holds a share of the bounded tables: the component of a sender. 0 is exempt: its addresses are all alike, so
// there is nobody to tell apart.
struct Owner {
  ComponentId component = 0;
  std::uint32_t flows = 0;
  std::uint32_t signatures = 0;
};

// Times at which this origin flow shared signatures with another origin flow, merged where less than 2 s apart.
class SharedTimes {
 public:
  void add(EventTime time);
  // The first shared signature within 2 s of `time`; 0: none.
  EventTime first_near(EventTime time) const;

 private:
  struct Span {
    EventTime first = 0, last = 0;
  };
  std::array<Span, 6> spans_{};
  std::size_t next_ = 0;
};

// Where a flow is seen, by small numbers for its hops. Points beyond the last share its number: one path has few.
class CapturePoints {
 public:
  std::uint32_t number_of(const CapturePoint& point);
  const CapturePoint& operator[](std::uint32_t number) const { return points_[number]; }

 private:
  std::array<CapturePoint, 16> points_{};
  std::uint8_t count_ = 0;
};

// Which of the last 64 seconds of an origin flow held sound, and which of those have a latency.
struct SoundSeconds {
  std::uint64_t newest = 0;  // second of event time
  std::uint64_t heard = 0;   // bit i: second newest - i
  std::uint64_t measured = 0;
};

// What each sighting asks for comes first, in whole cache lines.
struct alignas(64) FlowRecord {
  FlowKey key;
  std::uint8_t generation = 0;  // of the index, 4 bits: tells a hop's flow from a later one in the same place
  bool used = false;
  bool already_running = false;  // when tracking began
  bool follows = false;          // the later flow of a formed link: not an origin
  bool linked = false;           // of a formed link
  std::uint32_t owner = kNone;
  EventTime first_seen = 0;  // the earliest: observations come out of order
  FlowRef arrival_flow;      // what this flow's packets look like behind address translation

  Placement sender;
  Placement receiver;
  EventTime last_seen = 0;
  EventTime first_node_known = 0;  // when the nodes that see its packets were last found; 0: never
  std::uint32_t first_node = 0;    // that sees its packets, where several do
  std::uint32_t other_node = 0;    // that sees them after it

  std::array<std::uint64_t, AL_DOMAIN_PAYLOAD + 1> signatures{};  // by domain
  SoundSeconds seconds;
  std::uint32_t coverage = kNone;  // account in Coverage

  std::uint32_t unnamed_coverage = kNone;  // the one before its sender had a name
  std::uint64_t named_second = 0;          // when that was
  SharedTimes shared;
  EventTime first_repeat = 0;
  EventTime last_repeat = 0;
  std::uint32_t older = kNone;  // neighbours in the order of last_seen, to the second
  std::uint32_t newer = kNone;
  CapturePoints points;
};

struct FlowLimits {
  std::uint32_t maximum = 10'000;
  EventTime timeout = 0;
  EventTime unlinked = 0;  // idle for so long, a flow that was never linked may go earlier
};

// Every flow that signatures were seen on. An index stays valid while any live signature can refer to it.
class FlowTable {
 public:
  FlowTable(const FlowLimits& limits, const KeyedHash& hash);

  enum class Refusal : std::uint8_t { none, full, quota };
  std::uint64_t hash_of(const FlowKey& key) const { return hash_(key); }
  // Asks for what find_or_add() will need of a flow with this hash; the second wants what the first has brought.
  void prefetch_index(std::uint64_t hash) const { index_.prefetch(hash); }
  void prefetch_record(std::uint64_t hash) const;
  // The flow's index, kNone with a reason in `refusal` where the table or the sender's share is full.
  std::uint32_t find_or_add(const PlacedObservation& seen, std::uint64_t hash, EventTime now, Refusal& refusal);
  std::uint32_t find(const FlowKey& key) const;  // kNone: not there
  // Flows that went since the last call, by age or since their address got a new owner: their links must go.
  bool any_gone() const { return !gone_.empty(); }
  std::vector<std::uint32_t> take_gone();
  // Forgets flows not seen for the timeout, at most so many. Those seen last come last: no other is looked at.
  void age(EventTime now, std::size_t at_most);
  // Where the table fills up: forgets flows that were never linked, and have no signature left
  // (flow_relief.hpp).
  void relieve_table(EventTime now);
  std::uint64_t relieved() const { return relieved_; }

  FlowRecord& operator[](std::uint32_t index) { return records_[index]; }
  const FlowRecord& operator[](std::uint32_t index) const { return records_[index]; }
  FlowRef ref(std::uint32_t index) const { return {index, records_[index].generation}; }
  // Is this flow still there, and no other in its place?
  bool is_there(FlowRef flow) const {
    return flow.index != kNone && records_[flow.index].used && records_[flow.index].generation == flow.generation;
  }
  void see_from(std::uint32_t index, EventTime time) {
    if (time < records_[index].first_seen) records_[index].first_seen = time;
  }
  Owner& owner(std::uint32_t owner) { return owners_[owner]; }
  void drop_signature(std::uint32_t owner);
  // Behind address translation, where that was seen.
  const Placement& receiver(std::uint32_t index) const { return records_[last_leg(index)].receiver; }
  const SocketAddress& receiver_address(std::uint32_t index) const { return records_[last_leg(index)].key.destination; }
  std::size_t size() const { return live_; }

 private:
  std::uint32_t last_leg(std::uint32_t index) const {
    return is_there(records_[index].arrival_flow) ? records_[index].arrival_flow.index : index;
  }
  std::uint32_t add(const PlacedObservation& seen, std::uint64_t hash, EventTime now, Refusal& refusal);
  void remove(std::uint32_t index);
  void see(std::uint32_t index, EventTime time);
  void put_last(std::uint32_t index);
  void take_out(std::uint32_t index);
  std::uint32_t owner_of(ComponentId component);
  void release_if_unused(std::uint32_t owner);

  FlowLimits limits_;
  const KeyedHash& hash_;
  IndexTable index_;
  std::vector<FlowRecord> records_;
  std::deque<std::uint32_t> free_;  // the first to go is the first to be taken
  std::vector<Owner> owners_;
  std::vector<std::uint32_t> free_owners_;
  std::unordered_map<std::uint64_t, std::uint32_t> owner_index_;
  std::uint32_t last_found_ = kNone;
  std::vector<std::uint32_t> gone_;
  std::uint32_t oldest_ = kNone;  // both ends of the order of last_seen
  std::uint32_t newest_ = kNone;
  std::size_t live_ = 0;
  std::uint64_t relieved_ = 0;
};

}  // namespace audio_latency::matching
