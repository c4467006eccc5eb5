// SPDX-License-Identifier: Apache-2.0
// Writes a synthesised capture and what is true of it (scenario_output.hpp). One seed, one capture, byte for byte.
#include <CLI/CLI.hpp>
#include <iostream>

#include "support/scenario_attacks.hpp"
#include "support/scenario_cases.hpp"
#include "support/scenario_output.hpp"

using namespace audio_latency::scenario;

int main(int argc, char** argv) {
  CLI::App app{"Synthesises a capture full of sounds that repeat, and the truth about it."};
  std::uint64_t seed = 1;
  bool alike = false;
  Plan plan;
  std::string capture, truth, attacker;
  app.add_option("--seed", seed);
  app.add_option("--seconds", plan.seconds)->check(CLI::Range(20.0, 3600.0));
  app.add_flag("--alike", alike, "every endpoint is a port of 127.0.0.1");
  app.add_option("--recordings", plan.recordings, "directory of 8 kHz WAV files");
  app.add_option("--capture", capture)->required();
  app.add_option("--truth", truth)->required();
  app.add_option("--attack", attacker, "a hostile neighbour instead: none, ports, replay, crafted");
  CLI11_PARSE(app, argc, argv);

  constexpr Nanoseconds epoch = 1'700'000'000 * second;
  plan.shared_sounds = !alike;
  Random random(seed);
  Traffic traffic(random, alike);
  if (attacker.empty()) {
    play(traffic, random, plan);
  } else if (!attack(traffic, random, attacker, plan.seconds)) {
    std::cerr << "test-scenario: no such attack: " << attacker << '\n';
    return 1;
  }
  write_capture(traffic, plan.seconds, epoch, capture);
  write_truth(traffic, plan.seconds, epoch, alike, truth);
  std::cout << traffic.flows().size() << " flows, " << traffic.clean().size() << " clean calls\n";
}
