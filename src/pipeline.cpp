// SPDX-License-Identifier: Apache-2.0
#include "pipeline.hpp"

namespace audio_latency {

Pipeline::Pipeline(const Options& options, IdentityResolver& resolver)
    : resolver_(resolver), matcher_(options, *this) {}

void Pipeline::on_observation(const Observation& observation) {
  PlacedObservation seen = resolver_.place(observation);
  if (seen.spoofed) return;  // the resolver has counted it
  const PlacedGate::Verdict verdict = gate_ == nullptr ? PlacedGate::Verdict::passes : gate_->judge(seen);
  if (verdict == PlacedGate::Verdict::stops) return;
  if (verdict == PlacedGate::Verdict::passes)
    for (PlacedSink* counter : counters_) counter->on_placed(seen);
  for (PlacedSink* sink : placed_sinks_) sink->on_placed(seen);
  if (router_ == nullptr || router_->route(seen)) matcher_.observe(seen);
}

void Pipeline::on_match(const Match& match) {
  if (match.learned) return;  // another node records it
  for (MatchSink* sink : match_sinks_) sink->on_match(match);
}

}  // namespace audio_latency
