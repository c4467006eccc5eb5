// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "audio_latency/payload.hpp"
#include "support/format_wire.hpp"
#include "support/scenario_audio.hpp"

namespace audio_latency::test {

// One direction of a conversation, as packets of payload with their times.
struct LabelledFlow {
  std::string name;
  bool audio = false;                 // is there sound in it that can be scanned
  al_codec codec = AL_CODEC_UNKNOWN;  // of that
  std::string reason;                 // label of audio_unhashable_flows that is expected
  std::uint8_t protocol = 6;
  std::uint32_t first_sequence = 0;
  struct Packet {
    EventTime time = 0;
    Bytes bytes;
  };
  std::vector<Packet> packets;
};

Bytes encode_samples(const scenario::Samples& samples, al_codec codec);

// `sound`: 8 kHz; each flow carries it whole. `seed` chooses numbers; where it is odd, raw TCP is cut anywhere,
// else all have packets of 20 ms.
std::vector<LabelledFlow> audio_flows(const scenario::Samples& sound, unsigned seed);
// Flows of about `seconds` that carry something else, or sound that can't be scanned.
std::vector<LabelledFlow> other_flows(const scenario::Samples& sound, unsigned seed, double seconds);

}  // namespace audio_latency::test
