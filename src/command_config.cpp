// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "command.hpp"
#include "options_registry.hpp"

namespace audio_latency {

int command_config(const Invocation& invocation) {
  for (std::size_t i = 0; i < variables().size(); ++i) {
    const Variable& variable = variables()[i];
    const std::string origin(to_string(invocation.loaded.origins[i]));
    std::printf("%-22s %-8s %s\n", std::string(variable.name).c_str(), origin.c_str(),
                variable.print(invocation.loaded.options).c_str());
  }
  return kSuccess;
}

}  // namespace audio_latency
