// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "command.hpp"

namespace audio_latency {

int command_run(const Invocation&) {
  std::fputs("audio-latency: run: this build has no capture.\n", stderr);
  return kFailure;
}

}  // namespace audio_latency
