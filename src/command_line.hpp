// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "options_load.hpp"

namespace audio_latency {

// What `replay` is told beyond the options.
struct ReplayArguments {
  std::vector<std::string> files;  // one capture point each
  bool json = false;               // one match a line
  bool signatures = false;         // one selected window a line
  std::string metrics;             // file for the text that /metrics would have served; "-": standard output
};

// What `flows` is told beyond the options.
struct FlowsArguments {
  std::string url;  // of the daemon; empty: METRICS_PORT on this host
  bool json = false;
};

// What was typed. `command` is empty where nothing is left to do: help or version was printed, or a complaint.
struct CommandLine {
  std::string command = "run";
  std::string config_file;
  std::vector<Setting> flags;
  ReplayArguments replay;
  FlowsArguments flows;
  int exit_code = 0;  // for an empty command

  Sources sources() const;  // with the environment of this process
};

CommandLine parse_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& complaints);

}  // namespace audio_latency
