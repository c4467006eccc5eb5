// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "audio_latency/observation.hpp"
#include "audio_latency/wire/treatment.h"

namespace audio_latency {

bool holds_sound(const al_treatment& treatment);

// An idle flow that may be forgotten before FLOW_TIMEOUT_MS, since nothing of use was found in it.
struct DispensableFlow {
  EventTime last_seen = 0;
  const std::uint32_t* held = nullptr;  // flows that its sender has in the table; null: nobody pays for it
  std::size_t number = 0;               // the caller's
};
constexpr EventTime kDispensableIdle = 1'000'000'000;  // ns

// Half of what one sender may hold of a table: who has more, or a table of which more than half is used, has to give.
constexpr std::uint32_t half_of_share(std::uint32_t maximum) {
  return maximum / 20;
}

// Short connections and DNS would fill a flow table that keeps each for FLOW_TIMEOUT_MS, and the next call would find
// no room. Picks of `flows`, the longest idle first, those that must go so that half of a table of `maximum` entries,
// which holds `total`, and half of each sender's tenth are free.
std::vector<DispensableFlow> relieve(std::vector<DispensableFlow> flows, std::size_t total, std::uint32_t maximum);

// The same for a table that is a map. `describe` fills in a DispensableFlow but its number, and says whether the entry
// is one; `forget` takes an entry out, others stay where they are. Returns how many went.
template <typename Map, typename Describe, typename Forget>
std::size_t relieve_map(Map& map, std::uint32_t maximum, const Describe& describe, const Forget& forget) {
  if (map.size() <= half_of_share(maximum)) return 0;
  std::vector<DispensableFlow> dispensable;
  std::vector<typename Map::iterator> places;
  for (auto each = map.begin(); each != map.end(); ++each) {
    DispensableFlow flow;
    flow.number = places.size();
    if (!describe(*each, flow)) continue;
    dispensable.push_back(flow);
    places.push_back(each);
  }
  const auto gone = relieve(std::move(dispensable), map.size(), maximum);
  for (const DispensableFlow& flow : gone) forget(places[flow.number]);
  return gone.size();
}

}  // namespace audio_latency
