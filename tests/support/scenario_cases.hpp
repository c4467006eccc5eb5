// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/scenario_traffic.hpp"

namespace audio_latency::scenario {

struct Plan {
  double seconds = 600;    // of the capture; at least 60
  std::string recordings;  // directory of speech recordings; empty: synthesised speech only
  // Several calls hear one prompt or one loop: only where addresses tell calls apart. Tones are always shared.
  bool shared_sounds = true;
};

// Every case of sound that repeats, beside clean calls, all at the same time.
void play(Traffic& traffic, Random& random, const Plan& plan);

}  // namespace audio_latency::scenario
