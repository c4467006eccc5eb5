// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"

#include <CLI/CLI.hpp>
#include <array>

namespace audio_latency {
namespace {

void add_replay_arguments(CLI::App& app, CommandLine& line) {
  app.add_option("FILE", line.replay.files, "pcap or pcapng captures, a capture point each")->required();
  auto* json = app.add_flag("--json", line.replay.json, "one match a line, as JSON");
  auto* metrics = app.add_option("--metrics", line.replay.metrics,
                                 "write what /metrics would have served to a file, or - (stdout)");
  app.add_flag("--signatures", line.replay.signatures, "one selected window a line, as JSON; nothing is matched")
      ->excludes(json)
      ->excludes(metrics);
}

void add_flows_arguments(CLI::App& app, CommandLine& line) {
  app.add_flag("--json", line.flows.json, "the flows as a JSON list");
  app.add_option("--url", line.flows.url, "of the running daemon [http://127.0.0.1:METRICS_PORT]")->type_name("URL");
}

constexpr std::array<Command, 6> kCommands = {{
    {"run", "attach, match, serve metrics (the default)", true, nullptr, command_run},
    {"replay", "measure in capture files; needs no root", true, add_replay_arguments,
     [](const Invocation& invocation) { return command_replay(invocation.loaded.options, invocation.line.replay); }},
    {"flows", "list the flows that the running daemon has seen, and why each is measured or not", true,
     add_flows_arguments,
     [](const Invocation& invocation) { return command_flows(invocation.loaded.options, invocation.line.flows); }},
    {"demo", "play speech through relays of known delay on this machine and measure it", true, nullptr,
     [](const Invocation& invocation) { return command_demo(invocation.loaded.options); }},
    {"check", "report what this host and configuration allow", false, nullptr, command_check},
    {"config", "print the effective configuration and where each value came from", true, nullptr, command_config},
}};

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

}  // namespace audio_latency
