// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "audio_latency/capture.hpp"
#include "audio_latency/match.hpp"
#include "matcher.hpp"

namespace audio_latency {

// Sees every observation once it is placed. Called by the loop thread.
class PlacedSink {
 public:
  virtual ~PlacedSink() = default;
  virtual void on_placed(const PlacedObservation& seen) = 0;
};

// identity ▶ matcher ▶ sinks; `run` and `replay` differ in their capture and their sinks only. Loop thread only. The
// resolver and the sinks must outlive it.
class Pipeline : public ObservationSink, private MatchSink {
 public:
  Pipeline(const Options& options, IdentityResolver& resolver);

  void add(MatchSink& sink) { match_sinks_.push_back(&sink); }
  void add(PlacedSink& sink) { placed_sinks_.push_back(&sink); }

  void on_observation(const Observation& observation) override;
  void advance(EventTime now) { matcher_.advance(now); }
  void finish() { matcher_.finish(); }

  const Matcher& matcher() const { return matcher_; }
  const IdentityResolver& resolver() const { return resolver_; }

 private:
  void on_match(const Match& match) override;

  IdentityResolver& resolver_;
  Matcher matcher_;
  std::vector<MatchSink*> match_sinks_;
  std::vector<PlacedSink*> placed_sinks_;
};

}  // namespace audio_latency
