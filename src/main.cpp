// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>

#include "command.hpp"

int main(int argc, char** argv) {
  using namespace audio_latency;
  Invocation invocation{parse_command_line(argc, argv, std::cout, std::cerr), {}};
  if (invocation.line.command.empty()) return invocation.line.exit_code;
  const auto command = std::find_if(commands().begin(), commands().end(),
                                    [&](const Command& each) { return invocation.line.command == each.name; });
  invocation.loaded = load_options(invocation.line.sources());
  for (const auto& warning : invocation.loaded.warnings) std::cerr << "audio-latency: warning: " << warning << '\n';
  if (command->wants_valid_options && !invocation.loaded.errors.empty()) {
    for (const auto& error : invocation.loaded.errors) std::cerr << "audio-latency: " << error << '\n';
    return kUsageError;
  }
  return command->run(invocation);
}
