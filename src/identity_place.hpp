// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "identity_snapshot.hpp"

namespace audio_latency {

// What the snapshot should know soon.
struct PlacingWishes {
  bool sockets = false;           // an end is one of this host's own sockets: they should be read again
  bool translation = false;       // the receiver may be a translated address: translation_key says which
  bool translation_soon = false;  // nothing is known of it yet
};

// Names the ends that are still bare addresses: pod, container, process, Service. Neither blocks nor allocates.
PlacingWishes place_by_snapshot(const IdentitySnapshot& snapshot, PlacedObservation& placed);
// In TranslationTable.
SocketKey translation_key(const FlowKey& flow);

}  // namespace audio_latency
