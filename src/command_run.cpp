// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "agent.hpp"
#include "command.hpp"

namespace audio_latency {
namespace {

int failed(const Error& error) {
  std::cerr << "audio-latency: " << error.message << (error.message.ends_with('.') ? "\n" : ".\n");
  return kFailure;
}

}  // namespace

int command_run(const Invocation& invocation) {
  const Options& options = invocation.loaded.options;
  Log log(options.log_level, options.log_format, LogStream::standard_output);
  auto agent = Agent::create(invocation, log);
  if (!agent) return failed(agent.error());
  const Status ended = (*agent)->run();
  return ended.ok() ? kSuccess : failed(ended.error());
}

}  // namespace audio_latency
