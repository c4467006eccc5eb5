// SPDX-License-Identifier: Apache-2.0
// bench-bus-forming: what spreading a call's signatures over owners costs, a figure a line as JSON. Each owner forms
// its own link of its own share. 31 signatures a second for three minutes, all owners' latencies together.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

#include "support/matcher_world.hpp"

namespace {

using namespace audio_latency;  // NOLINT(google-build-using-namespace)
using audio_latency::testing::World;

void figure(const std::string& name, double value, const char* unit) {
  std::printf("{\"name\": \"bus: %s\", \"value\": %.6g, \"unit\": \"%s\"}\n", name.c_str(), value, unit);
}

}  // namespace

int main() {
  constexpr double start = 110, seconds = 180;
  for (const std::uint64_t owners : {1, 4, 16, 64, 256, 1024}) {
    std::size_t recorded = 0, shares = 0, formed = 0;
    double waited = 0;
    for (std::uint64_t share = 0; share < std::min<std::uint64_t>(owners, 32); ++share, ++shares) {
      Options options;
      options.settle_ms = 300;
      World world(options);
      double first = 0;
      for (int i = 0; i * 0.032 < seconds + 0.5; ++i) {
        for (int leg = 0; leg < 2; ++leg) {
          const int number = leg == 0 ? i : i - 9;
          const auto signature = static_cast<std::uint64_t>(number) * 0x9e3779b97f4a7c15 + 77;
          const double now = start + i * 0.032;
          if (number < 0 || (signature >> 20) % owners != share) continue;
          world.hear(signature, leg == 0 ? "a:1" : "relay:2", leg == 0 ? "relay:1" : "sink:1", now);
        }
        world.matcher.advance(World::at(start + i * 0.032));
        if (first == 0 && !world.matches.empty()) first = i * 0.032;
      }
      world.settle();
      recorded += world.latencies(MatchKind::latency).size();
      formed += first > 0 ? 1 : 0;
      waited += first;
    }
    const double whole = seconds / 0.032 * static_cast<double>(shares) / static_cast<double>(owners);
    const std::string name = std::to_string(owners) + " owners: ";
    figure(name + "signatures of a call with a latency", static_cast<double>(recorded) / whole, "ratio");
    figure(name + "until an owner's link forms", formed == 0 ? -1 : waited / static_cast<double>(formed), "s");
  }
}
