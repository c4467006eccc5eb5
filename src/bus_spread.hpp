// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "bus_owners.hpp"

namespace audio_latency {

// Over how many owners the signatures are spread: few make few and full messages and links that form soon, as long as
// they can carry the load (docs/SCALING.md). One member decides for all, the lowest of those that are heard, from what
// the owners announce; so nodes agree but for a moment. Loop thread only.
class BusSpread {
 public:
  static constexpr std::size_t kFewest = 2;  // where one dies, the other goes on
  static constexpr std::size_t kMost = 64;
  static constexpr std::uint32_t kLoad = 100'000;  // observations a second of one owner

  // `fixed`: so many where this node decides; 0: by load.
  explicit BusSpread(std::size_t fixed) : fixed_(fixed), owners_(fixed == 0 ? kFewest : fixed) {}

  void count() { ++counted_; }  // an observation that this node matches
  // Once in a while; the number that holds.
  std::size_t decide(const BusOwners& members, EventTime now);

  std::uint32_t load() const { return load_; }
  std::size_t owners() const { return owners_; }

 private:
  void measure(EventTime now);
  void lead(const BusOwners& members, EventTime now);

  std::size_t fixed_;
  std::size_t owners_;
  std::uint64_t counted_ = 0;
  std::uint32_t load_ = 0;  // observations a second of the last seconds
  EventTime started_ = 0;
  EventTime measured_ = 0;
  EventTime needed_ = 0;  // when so many owners were needed last
};

}  // namespace audio_latency
