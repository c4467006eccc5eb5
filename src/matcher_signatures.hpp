// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>

#include "audio_latency/observation.hpp"
#include "matcher_index.hpp"
#include "matcher_pool.hpp"

namespace audio_latency::matching {

// One signature on one flow. 28 bytes; time split in two words so that it needs no padding.
struct Hop {
  std::uint32_t departure_low = 0, departure_high = 0;
  std::uint32_t arrival_delta = 0;  // ns after the departure; 0: seen at one capture point only
  std::uint32_t flow : 22 = 0;
  std::uint32_t arrival_point : 10 = 0;  // the flow's number of the capture point of the arrival
  std::uint32_t next = kNone;
  std::uint32_t identity : 18 = 0;   // hash of the packet identity
  std::uint32_t generation : 4 = 0;  // of the flow's record
  std::uint32_t point : 10 = 0;      // the flow's number of the capture point of the departure
  std::uint16_t ip_id = 0;
  std::uint8_t ttl = 0;
  bool repeated : 1 = false;  // other packets of this flow carried the signature too
  bool evaluated : 1 = false;
  bool arrival_reported : 1 = false;
  bool learned : 1 = false;    // its departure was
  bool two_nodes : 1 = false;  // have seen it
  bool partly_learned : 1 = false;

  EventTime departure() const { return EventTime{departure_high} << 32 | departure_low; }
  EventTime arrival() const { return departure() + arrival_delta; }
  void set_departure(EventTime time) {
    departure_low = static_cast<std::uint32_t>(time);
    departure_high = static_cast<std::uint32_t>(time >> 32);
  }
  // Of a trail that is gone: where the next such trail begins, which is all that is asked of one.
  std::uint32_t next_free_chain() const { return arrival_delta; }
  void set_next_free_chain(std::uint32_t chain) { arrival_delta = chain; }
};
static_assert(sizeof(Hop) == 28);

// A live signature and the head of its trail. 24 bytes.
struct Signature {
  std::uint32_t value_low = 0, value_high = 0;
  std::uint32_t last_seen_ms = 0;
  std::uint32_t first_hop = kNone;
  std::uint32_t owner : 24 = 0;
  std::uint32_t hops : 8 = 0;
  std::uint16_t queued = 0;  // when it was put into the queue of ages, in 64 ms
  std::uint8_t generation = 0;
  std::uint8_t domain : 3 = 0;
  bool matched : 1 = false;
  bool live : 1 = false;
  bool pending : 1 = false;  // waits to be settled

  std::uint64_t value() const { return std::uint64_t{value_high} << 32 | value_low; }
};
static_assert(sizeof(Signature) == 24);

struct Evicted {
  std::uint32_t owner = kNone;  // whose share gets smaller; kNone: nothing went
  bool young = false;           // younger than MAX_LATENCY
};

// The live signatures, their trails, and when they expire: a fixed number, the oldest goes first.
class SignatureTable {
 public:
  SignatureTable(std::uint32_t maximum, const KeyedHash& hash);

  std::uint32_t find(std::uint64_t value, Domain domain) const;
  // Adds a signature with no hops. Evict first where full().
  std::uint32_t add(std::uint64_t value, Domain domain, std::uint32_t owner, EventTime now);
  bool full() const { return live_ >= maximum_; }
  // Removes the one that came first, whether expired or not.
  Evicted evict_oldest(EventTime young_after);
  // Looks at the front of the queue of ages. False: nothing there was last seen before the limit. `owner`: whose
  // signature went; kNone where it was seen since and queued anew.
  bool expire_step(EventTime expired_before, std::uint32_t& owner);

  // Brings what find() will touch nearer: the slot first, some time later the record it points to.
  void prefetch_slot(std::uint64_t value, Domain domain) const;
  void prefetch_record(std::uint64_t value, Domain domain) const;
  void prefetch(std::uint32_t signature) const { signatures_.prefetch(signature); }
  void prefetch_oldest() const;
  void prefetch_hops(std::uint32_t signature) const;
  void prefetch_second_hop(std::uint32_t signature) const;

  Signature& operator[](std::uint32_t index) { return signatures_[index]; }
  Hop& hop(std::uint32_t index) { return hops_[index]; }
  std::uint32_t add_hop(std::uint32_t signature);
  void clear_hops(std::uint32_t signature);
  void touch(std::uint32_t signature, EventTime now);

  std::size_t size() const { return live_; }
  std::size_t bytes() const;  // allocated, all tables
  static std::uint32_t milliseconds(EventTime time) { return static_cast<std::uint32_t>(time / 1'000'000); }

 private:
  std::uint64_t hash_of(std::uint32_t index) const;
  void remove(std::uint32_t index);

  std::uint32_t maximum_;
  const KeyedHash& hash_;
  IndexTable index_;
  Pool<Signature> signatures_;
  Pool<Hop> hops_;
  std::uint32_t free_signature_ = kNone;  // chained through first_hop
  std::uint32_t free_hop_ = kNone;        // whole trails, none of which is read before it is used again
  std::deque<std::uint32_t> by_age_;
  std::size_t live_ = 0;
};

}  // namespace audio_latency::matching
