// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "audio_latency/observation.hpp"
#include "audio_latency/wire/treatment.h"

namespace audio_latency {

bool holds_sound(const al_treatment& treatment);

// A flow that may be forgotten before FLOW_TIMEOUT_MS: no sound was found in it, and it is idle.
struct DispensableFlow {
  EventTime last_seen = 0;
  const std::uint32_t* held = nullptr;  // flows that its sender has in the table; null: nobody pays for it
  std::size_t number = 0;               // the caller's
};
constexpr EventTime kDispensableIdle = 1'000'000'000;  // ns

// Short connections and DNS would fill a flow table that keeps each for FLOW_TIMEOUT_MS, and the next call would find
// no room. Picks of `flows`, the longest idle first, those that must go so that half of a table of `maximum` entries,
// which holds `total`, and half of each sender's tenth are free.
std::vector<DispensableFlow> relieve(std::vector<DispensableFlow> flows, std::size_t total, std::uint32_t maximum);

}  // namespace audio_latency
