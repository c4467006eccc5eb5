// SPDX-License-Identifier: Apache-2.0
// Every source format against every relay format, one recorded call, replayed with nothing configured: a table for
// people (--table), else figures, one JSON object a line.
#include <cstdio>
#include <cstring>

#include "support/format_matrix.hpp"

namespace audio_latency::test {
namespace {

scenario::Samples recorded_call() {
  scenario::Random random(1);
  auto files = scenario::recordings("/usr/share/asterisk/sounds", random);
  return scenario::recorded_speech(files, random, 120, 8000);
}

int run(bool table) {
  const scenario::Samples sound = recorded_call();
  const std::size_t count = relay_formats();
  std::uint64_t holding = 0, invented = 0, speech = 0, measured = 0;
  double worst = 1, worst_error = 0;
  std::string worst_name;
  if (table)
    std::printf(
        "| source | relay | seconds with speech | measured | latencies | error p99 | by "
        "|\n|---|---|---|---|---|---|---|\n");
  for (std::size_t source = 0; source < count; ++source) {
    for (std::size_t relay = 0; relay < count; ++relay) {
      const RelayedCall call = relayed_call(source, relay, sound);
      speech += call.speech_seconds, measured += call.measured_seconds, invented += call.invented;
      if (call.coverage() < worst)
        worst = call.coverage(), worst_name = call.source_format + " to " + call.relay_format;
      worst_error = std::max(worst_error, call.worst_error_ms);
      holding += call.coverage() >= 0.99 && call.worst_error_ms <= 2 && call.invented == 0 ? 1 : 0;
      if (table)
        std::printf("| %s | %s | %llu | %.1f %% | %llu | %.2f ms | %s |\n", call.source_format.c_str(),
                    call.relay_format.c_str(), static_cast<unsigned long long>(call.speech_seconds),
                    100 * call.coverage(), static_cast<unsigned long long>(call.latencies), call.worst_error_ms,
                    call.domains.c_str());
    }
  }
  const auto figure = [](const char* name, double value, const char* unit, const char* goal, bool holds) {
    std::printf("{\"name\": \"matrix: %s\", \"value\": %.5f, \"unit\": \"%s\", \"goal\": \"%s\", \"holds\": %s}\n",
                name, value, unit, goal, holds ? "true" : "false");
  };
  const double share = static_cast<double>(holding) / static_cast<double>(count * count);
  figure("pairs of formats that hold", share, "of pairs", "1", share == 1);
  figure("seconds with speech measured, all pairs", static_cast<double>(measured) / static_cast<double>(speech), "",
         ">= 0.99", measured >= 0.99 * static_cast<double>(speech));
  figure(("the worst pair: " + worst_name).c_str(), worst, "", ">= 0.99", worst >= 0.99);
  figure("error p99 of the worst pair", worst_error, "ms", "<= 2", worst_error <= 2);
  figure("latencies invented", static_cast<double>(invented), "", "0", invented == 0);
  return 0;
}

}  // namespace
}  // namespace audio_latency::test

int main(int argc, char** argv) {
  return audio_latency::test::run(argc > 1 && std::strcmp(argv[1], "--table") == 0);
}
