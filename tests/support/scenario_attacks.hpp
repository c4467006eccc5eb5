// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "support/scenario_traffic.hpp"

namespace audio_latency::scenario {

// A neighbour's calls and, beside them, somebody who would disturb their measurement:
//   none     nobody, for comparison
//   ports    sends audio from 10,000 source ports
//   replay   sends the neighbour's own packets again, to a host of its own and to the neighbour's relay
//   crafted  sends bytes that select as many windows as can be, each with a signature of its own
// False: no such attack.
bool attack(Traffic& traffic, Random& random, const std::string& kind, double seconds);

// Bytes whose verbatim symbols select about every second position at k = 8 (signature-spec.md: the seeds are public).
Bytes crafted_bytes(Random& random, std::size_t length);

}  // namespace audio_latency::scenario
