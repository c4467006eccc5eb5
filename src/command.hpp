// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "command_line.hpp"

namespace CLI {
class App;
}

namespace audio_latency {

// Exit statuses of the program.
constexpr int kSuccess = 0;
constexpr int kFailure = 1;     // it could not do what was asked
constexpr int kUsageError = 2;  // what was asked makes no sense: command line or configuration

struct Invocation {
  CommandLine line;
  Loaded loaded;
};

struct Command {
  const char* name;
  const char* summary;
  bool wants_valid_options;                                 // false: it reports configuration errors itself
  void (*add_arguments)(CLI::App& app, CommandLine& line);  // nullptr: none of its own
  int (*run)(const Invocation& invocation);
};
std::span<const Command> commands();

// Each in a file of its own; they return an exit status.
int command_run(const Invocation& invocation);
int command_check(const Invocation& invocation);
int command_config(const Invocation& invocation);
int command_replay(const Options& options, const ReplayArguments& arguments);
int command_demo(const Options& options);
int command_flows(const Options& options, const FlowsArguments& arguments);

}  // namespace audio_latency
