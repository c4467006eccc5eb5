// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
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

// Which of the last 64 seconds of an origin flow held sound, and which of those have a latency.
struct SoundSeconds {
  std::uint64_t newest = 0;  // second of event time
  std::uint64_t heard = 0;   // bit i: second newest - i
  std::uint64_t measured = 0;
};

// What each sighting asks for comes first, in whole cache lines.
struct alignas(64) FlowRecord {
  FlowKey key;
  std::uint8_t generation = 0;   // of the index, 4 bits: tells a hop's flow from a later one in the same place
  bool used = false;
  bool already_running = false;  // when tracking began
  bool follows = false;          // the later flow of a formed link: not an origin
  std::uint8_t arrival_generation = 0;
  std::uint32_t owner = kNone;
  std::uint32_t arrival_flow = kNone;  // what this flow's packets look like behind address translation
  std::uint32_t newest_link = kNone;   // that it was the later flow of: where to look first
  std::uint32_t coverage = kNone;      // account in Coverage
  std::uint32_t first_node = 0;        // that sees its packets, where several do

  Placement sender;
  Placement receiver;
  EventTime last_seen = 0;
  EventTime first_seen = 0;
  EventTime first_node_known = 0;          // when that was last found; 0: never
  std::uint32_t other_node = 0;            // that sees them after it
  std::uint32_t unnamed_coverage = kNone;  // the account before its sender had a name

  std::array<std::uint64_t, AL_DOMAIN_PAYLOAD + 1> signatures{};  // by domain
  SoundSeconds seconds;

  SharedTimes shared;
  EventTime first_repeat = 0;
  EventTime last_repeat = 0;
  std::uint64_t named_second = 0;  // when its sender got a name
  std::uint32_t older = kNone;     // neighbours in the order of last_seen
  std::uint32_t newer = kNone;
};

struct FlowLimits {
  std::uint32_t maximum = 10'000;
  EventTime timeout = 0;
};

// Every flow that signatures were seen on. An index stays valid while any live signature can refer to it.
class FlowTable {
 public:
  FlowTable(const FlowLimits& limits, const KeyedHash& hash);

  enum class Refusal : std::uint8_t { none, full, quota };
  // The flow's index, kNone with a reason in `refusal` where the table or the sender's share is full. `hash`: hash() of
  // its key.
  std::uint32_t find_or_add(const PlacedObservation& seen, std::uint64_t hash, Refusal& refusal);
  // Forgets the flows not seen for the timeout. Amortised O(1): those seen last come last.
  void age(EventTime now);
  // Flows that went since the last call, by age or since their address got a new owner: their links must go.
  bool any_gone() const { return !gone_.empty(); }
  std::vector<std::uint32_t> take_gone();

  std::uint64_t hash(const FlowKey& key) const { return hash_(key); }
  // What find_or_add() and its caller will touch: the slot first, some time later the record.
  void fetch_slot(std::uint64_t hash) const { index_.prefetch(hash); }
  void fetch_record(std::uint64_t hash) const { fetch(index_.first(hash)); }
  void fetch(std::uint32_t index) const { records_.prefetch<kHot>(index); }
  std::uint32_t newest_link(std::uint32_t index) const {
    return index < records_.size() ? records_[index].newest_link : kNone;
  }

  FlowRecord& operator[](std::uint32_t index) { return records_[index]; }
  const FlowRecord& operator[](std::uint32_t index) const { return records_[index]; }
  // Is this the flow that it was when its generation was taken down?
  bool is_still(std::uint32_t index, std::uint8_t generation) const {
    return records_[index].used && records_[index].generation == generation;
  }
  // Is `behind` what the flow's packets look like behind address translation?
  bool arrives_as(std::uint32_t index, std::uint32_t behind) const {
    const FlowRecord& flow = records_[index];
    return flow.arrival_flow == behind && records_[behind].generation == flow.arrival_generation;
  }
  void set_arrival(std::uint32_t index, std::uint32_t behind) {
    records_[index].arrival_flow = behind;
    records_[index].arrival_generation = records_[behind].generation;
  }
  Owner& owner(std::uint32_t owner) { return owners_[owner]; }
  void drop_signature(std::uint32_t owner);
  // Behind address translation, where that was seen.
  const Placement& receiver(std::uint32_t index) const { return records_[last_leg(index)].receiver; }
  const SocketAddress& receiver_address(std::uint32_t index) const { return records_[last_leg(index)].key.destination; }
  std::size_t size() const { return live_; }

 private:
  static constexpr std::size_t kHot = 4 * 64;  // bytes of a record

  std::uint32_t last_leg(std::uint32_t index) const {
    const FlowRecord& flow = records_[index];
    const std::uint32_t behind = flow.arrival_flow;
    return behind == kNone || !is_still(behind, flow.arrival_generation) ? index : behind;
  }
  std::uint32_t add(const PlacedObservation& seen, std::uint64_t hash, Refusal& refusal);
  void remove(std::uint32_t index);
  void see(std::uint32_t index, EventTime time);
  void put_last(std::uint32_t index);
  void take_out(std::uint32_t index);
  std::uint32_t owner_of(ComponentId component);
  void release_if_unused(std::uint32_t owner);

  FlowLimits limits_;
  const KeyedHash& hash_;
  IndexTable index_;
  Pool<FlowRecord> records_;
  std::vector<std::uint32_t> free_;
  std::vector<Owner> owners_;
  std::vector<std::uint32_t> free_owners_;
  std::unordered_map<std::uint64_t, std::uint32_t> owner_index_;
  std::uint32_t last_found_ = kNone;
  std::vector<std::uint32_t> gone_;
  std::uint32_t oldest_ = kNone;  // both ends of the chain in order of last_seen
  std::uint32_t newest_ = kNone;
  std::size_t live_ = 0;
};

}  // namespace audio_latency::matching
