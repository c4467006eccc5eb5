// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "audio_latency/observation.hpp"

namespace audio_latency {

// How much an answer is wanted that tells another member's clock.
enum class BusPace : std::uint8_t { once_in_a_while, soon, at_once };

// A peer's time of day against this node's event time. A message that comes from it took no less than nothing, so the
// offset is at least what it says it left at less when it came; one that goes there bounds it from above. The tightest
// bounds of the last seconds count, each by itself: what queues add to one direction does not spoil the other, as it
// does where whole round trips are compared (RFC 5905 §8). Event time and not this node's time of day, which may be
// set.
class BusClock {
 public:
  // There and back.
  struct Exchange {
    EventTime sent = 0;      // from here
    std::int64_t there = 0;  // received there, ns since 1970 by the peer's clock
    std::int64_t back = 0;   // sent back there
    EventTime received = 0;  // here
  };
  struct Estimate {
    std::int64_t offset_ns = 0;        // peer's time of day - this node's event time
    std::uint64_t uncertainty_ns = 0;  // it lies within
  };

  // Bounds that contradict those before mean that one of the clocks was set: the older ones are forgotten.
  void add(const Exchange& exchange);
  // A message says when it left. False: that contradicts what is known, or the message took so long that it can't be
  // told from a clock that was set back. What was known is forgotten, and has to be measured anew.
  bool check(std::int64_t left, EventTime received);
  void forget();

  std::optional<Estimate> estimate(EventTime now) const;
  // The estimate is good, or as good as it is going to be: observations may be matched by it.
  bool is_known(EventTime now) const;
  bool is_good(EventTime now) const;

 private:
  static constexpr EventTime kSlot = 1'000'000'000;
  struct Bound {
    std::int64_t offset = 0;
    EventTime at = 0;  // 0: none
  };
  struct Slot {
    EventTime number = 0;
    Bound lower, upper;
  };
  Slot& slot_at(EventTime time);
  void add_lower(std::int64_t offset, EventTime at);
  void add_upper(std::int64_t offset, EventTime at);

  std::array<Slot, 16> slots_{};  // the tightest of each of the last seconds
  EventTime first_ = 0;           // when the first exchange ended that counts; 0: none
  EventTime last_ = 0;
};

}  // namespace audio_latency
