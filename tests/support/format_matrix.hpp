// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "support/scenario_audio.hpp"

namespace audio_latency::test {

// A call that a relay passes on in another format, `delay_ms` later, replayed with nothing configured.
struct RelayedCall {
  std::string source_format;
  std::string relay_format;
  std::uint64_t speech_seconds = 0;
  std::uint64_t measured_seconds = 0;
  std::uint64_t latencies = 0;
  double worst_error_ms = 0;   // of 99 in 100
  std::uint64_t invented = 0;  // between other ends than those of the call
  std::string domains;

  double coverage() const {
    return speech_seconds == 0 ? 0 : static_cast<double>(measured_seconds) / static_cast<double>(speech_seconds);
  }
};

// How many formats there are; the names are those of audio_flows().
std::size_t relay_formats();
RelayedCall relayed_call(std::size_t source, std::size_t relay, const scenario::Samples& sound,
                         unsigned delay_ms = 300);

}  // namespace audio_latency::test
