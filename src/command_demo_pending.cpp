// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "command.hpp"

namespace audio_latency {

int command_demo(const Options&) {
  std::fputs("audio-latency: demo: this build has no demo.\n", stderr);
  return kFailure;
}

}  // namespace audio_latency
