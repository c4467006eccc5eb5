// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "identity_snapshot.hpp"

namespace audio_latency {

// Names the ends that are still bare addresses: pod, container, process, Service. True: an end is one of this host's
// own sockets, and the sockets should be read again soon. Neither blocks nor allocates.
bool place_by_snapshot(const IdentitySnapshot& snapshot, PlacedObservation& placed);

}  // namespace audio_latency
