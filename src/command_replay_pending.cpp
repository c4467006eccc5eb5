// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "command.hpp"

namespace audio_latency {

int command_replay(const Options&, const ReplayArguments&) {
  std::fputs("audio-latency: replay: this build has no replay.\n", stderr);
  return kFailure;
}

}  // namespace audio_latency
