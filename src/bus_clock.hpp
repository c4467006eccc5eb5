// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>

namespace audio_latency {

// How far a peer's time of day is from this node's, from the four time stamps of messages there and back (RFC 5905
// §8). Of the last seconds the exchange with the shortest round trip counts: queues only ever add to one.
class BusClock {
 public:
  struct Estimate {
    std::int64_t offset_ns = 0;        // peer's time of day - this node's
    std::uint64_t uncertainty_ns = 0;  // half the round trip: as much may be wrong where one direction took it all
  };

  // Sent here, received there, sent back there, received here; ns since 1970 by the clock of the place.
  void add(std::int64_t sent, std::int64_t there, std::int64_t back, std::int64_t received);
  std::optional<Estimate> estimate() const;

 private:
  static constexpr std::int64_t kSlot = 1'000'000'000;
  struct Sample {
    std::int64_t slot = 0;
    std::int64_t offset = 0;
    std::int64_t round_trip = -1;  // -1: none
  };
  std::array<Sample, 16> samples_{};  // the best of each of the last seconds
};

}  // namespace audio_latency
