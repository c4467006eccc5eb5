// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "audio_latency/wire/settings.h"
#include "support/packet.hpp"

namespace audio_latency::test {

// One kind of packet, and what becomes of it.
struct Case {
  std::string name;
  Bytes packet;
  al_verdict verdict = AL_SCANNED;
  bool ethernet = true;
  bool tunnelled = false;  // on an uplink
};

// Every way in which a payload of 600 bytes may be wrapped, and what must not be taken for audio. Ports 1000 -> 2000;
// port 9999 is not watched; tunnels use 4789 and 6081.
std::vector<Case> packet_matrix(const Bytes& payload);

}  // namespace audio_latency::test
