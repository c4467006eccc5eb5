// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "command.hpp"

namespace audio_latency {

int command_check(const Invocation& invocation) {
  for (const std::string& error : invocation.loaded.errors) std::printf("configuration: %s\n", error.c_str());
  return invocation.loaded.errors.empty() ? kSuccess : kFailure;
}

}  // namespace audio_latency
