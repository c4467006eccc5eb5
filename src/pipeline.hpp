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

// Sees every observation before anybody else, once it is placed. Called by the loop thread.
class PlacedGate {
 public:
  virtual ~PlacedGate() = default;
  enum class Verdict : std::uint8_t {
    stops,    // it is of no sound, and nobody else shall see it
    counted,  // by the gate itself, which tells how many there were from time to time
    passes,
  };
  virtual Verdict judge(const PlacedObservation& seen) = 0;
};

// Decides where a placed observation is matched (the bus). Called by the loop thread.
class PlacedRouter {
 public:
  virtual ~PlacedRouter() = default;
  // True: here. It may say more of the observation than was known.
  virtual bool route(PlacedObservation& seen) = 0;
};

// identity ▶ matcher ▶ sinks; `run` and `replay` differ in their capture and their sinks only. Loop thread only. The
// resolver and the sinks must outlive it.
class Pipeline : public ObservationSink, private MatchSink {
 public:
  Pipeline(const Options& options, IdentityResolver& resolver);

  void add(MatchSink& sink) { match_sinks_.push_back(&sink); }
  void add(PlacedSink& sink) { placed_sinks_.push_back(&sink); }
  void add_counter(PlacedSink& sink) { counters_.push_back(&sink); }  // not told of what the gate has counted
  void set_gate(PlacedGate* gate) { gate_ = gate; }                   // nullptr: everything passes
  void set_router(PlacedRouter* router) { router_ = router; }         // nullptr: everything is matched here

  void on_observation(const Observation& observation) override;
  // Matches what another node has seen, or this one a while ago.
  void observe(const PlacedObservation& seen) { matcher_.observe(seen); }
  void set_hearing(Hearing hearing) { matcher_.set_hearing(hearing); }
  void set_clock_uncertainty(std::uint32_t node, std::uint64_t ns) { matcher_.set_clock_uncertainty(node, ns); }
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
  std::vector<PlacedSink*> counters_;
  PlacedRouter* router_ = nullptr;
  PlacedGate* gate_ = nullptr;
};

}  // namespace audio_latency
