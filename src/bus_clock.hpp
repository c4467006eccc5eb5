// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "audio_latency/observation.hpp"

namespace audio_latency {

// A peer's time of day against this node's event time, from the four time stamps of messages there and back (RFC 5905
// §8). Of the last seconds the exchange counts that tells the offset best: queues only ever add to a round trip, and
// what was measured a while ago has drifted since. Event time and not this node's time of day, which may be set.
class BusClock {
 public:
  struct Exchange {
    EventTime sent = 0;      // from here
    std::int64_t there = 0;  // received there, ns since 1970 by the peer's clock
    std::int64_t back = 0;   // sent back there
    EventTime received = 0;  // here
  };
  struct Estimate {
    std::int64_t offset_ns = 0;        // peer's time of day - this node's event time
    std::uint64_t uncertainty_ns = 0;  // half the round trip: as much may be wrong where one direction took it all
  };

  // An exchange that contradicts those before means that one of the clocks was set: they are forgotten.
  void add(const Exchange& exchange);
  // A message says when it left. False: that contradicts what is known, or the message took so long that it can't be
  // told from a clock that was set back. What was known is forgotten, and has to be measured anew.
  bool check(std::int64_t left, EventTime received);

  void forget();

  std::optional<Estimate> estimate(EventTime now) const;
  // The estimate is as good as it is going to be: observations may be matched by it.
  bool is_known(EventTime now) const;

 private:
  static constexpr EventTime kSlot = 1'000'000'000;
  struct Sample {
    EventTime received = 0;
    std::int64_t offset = 0;
    std::int64_t round_trip = -1;  // -1: none
  };
  static std::uint64_t uncertainty(const Sample& sample, EventTime now);

  std::array<Sample, 16> samples_{};  // the best of each of the last seconds
  EventTime first_ = 0;               // when the first exchange ended that counts
  EventTime last_ = 0;
  std::uint32_t exchanges_ = 0;
};

}  // namespace audio_latency
