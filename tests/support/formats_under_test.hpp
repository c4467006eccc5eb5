// SPDX-License-Identifier: Apache-2.0
// The formats stage alone, with flows to play to it.
#pragma once

#include <memory>
#include <vector>

#include "audio_latency/wire/g711.h"
#include "format_table.hpp"
#include "support/format_flows.hpp"
#include "support/format_world.hpp"
#include "support/scanning.hpp"

namespace audio_latency::test {

struct Treated : TreatmentSink {
  std::vector<al_treatment> all;
  void treat(const FlowKey&, const CapturePoint&, bool, al_treatment treatment) override { all.push_back(treatment); }
};

struct FormatsWorld {
  Options options;
  Collector sink;
  Treated treated;
  std::unique_ptr<Formats> formats;

  explicit FormatsWorld(std::uint32_t max_flows = 10'000) {
    options.max_flows = max_flows;
    formats = std::make_unique<Formats>(options, oracle_settings(), sink, treated);
  }
  // Until there is a verdict that needs no more payload; `all`: as when the kernel program samples again.
  void play(const LabelledFlow& flow, std::uint16_t port = 1000, bool all = false) {
    std::uint32_t sequence = flow.first_sequence;
    for (const auto& each : flow.packets) {
      Payload packet = segment(each.bytes, sequence, each.time);
      packet.flow.protocol = flow.protocol;
      packet.flow.source.port = port;
      sequence += packet.length;
      formats->on_payload(packet);
      if (!all && !treated.all.empty() && treated.all.back().handling >= AL_IGNORE) return;
      if (!all && !treated.all.empty() && treated.all.back().handling == AL_SCAN) return;
    }
  }
  FlowView view() const { return formats->flows().at(0); }
};

inline scenario::Samples call(std::uint64_t seed, double seconds = 2) {
  scenario::Random random(seed);
  scenario::Samples samples = scenario::speech(random, seconds, 8000);
  for (auto& sample : samples) sample = al_mu_law_decode(al_mu_law_encode(sample));
  return samples;
}

}  // namespace audio_latency::test
