// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ctime>

#include "audio_latency/observation.hpp"

namespace audio_latency {

inline EventTime nanoseconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<EventTime>(now.tv_sec) * 1'000'000'000 + static_cast<EventTime>(now.tv_nsec);
}

// The time line of live observations.
inline EventTime monotonic_now() {
  return nanoseconds_of(CLOCK_MONOTONIC);
}

}  // namespace audio_latency
