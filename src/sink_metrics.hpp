// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "audio_latency/match.hpp"
#include "audio_latency/options.hpp"
#include "format_table.hpp"
#include "matcher.hpp"
#include "pipeline.hpp"
#include "sink_series.hpp"

namespace audio_latency {

// The metrics that come from observations, matches and the matcher (docs/METRICS.md). Loop thread only; what it
// registers is read through the registry by any thread.
class Metrics : public MatchSink, public PlacedSink, public SignatureSink {
 public:
  // `registry` and `resolver` must outlive it.
  Metrics(const Options& options, const IdentityResolver& resolver, prometheus::Registry& registry);

  void on_match(const Match& match) override;
  void on_placed(const PlacedObservation& seen) override;
  void on_signatures(const Signatures& signatures) override;

  // Once a second: totals and gauges of the matcher, and removal of series that have not changed for ten flow timeouts.
  void update(const MatcherStats& stats, const std::vector<LinkView>& links, const std::vector<CoverageView>& coverage,
              EventTime now);

 private:
  using Histograms = SeriesTable<prometheus::Histogram>;
  using Counters = SeriesTable<prometheus::Counter>;
  using Gauges = SeriesTable<prometheus::Gauge>;

  void update_totals(const MatcherStats& stats);
  void update_links(const std::vector<LinkView>& links, EventTime now);
  void update_coverage(const std::vector<CoverageView>& coverage, EventTime now);
  void expire(EventTime now);

  const IdentityResolver& resolver_;
  const MetricIdentity identity_;
  Follower forgotten_;
  const std::uint64_t stale_after_ns_;
  std::unique_ptr<Histograms> latency_;
  std::unique_ptr<Histograms> stage_;
  std::unique_ptr<Histograms> network_;
  std::unique_ptr<Counters> signatures_;
  std::unique_ptr<Counters> speech_;
  std::unique_ptr<Counters> measured_;
  std::unique_ptr<Gauges> current_;
  std::unique_ptr<Gauges> drift_;
  prometheus::Counter* detected_ = nullptr;
  prometheus::Gauge* active_ = nullptr;
  prometheus::Gauge* links_ = nullptr;
  std::vector<Follower> collisions_;
  std::vector<Follower> errors_;
  std::vector<Follower> matched_and_uncertain_;
  struct Covered {
    std::uint64_t speech = 0;
    std::uint64_t measured = 0;
  };
  std::vector<Covered> covered_;  // what update() has counted already, by account
  EventTime handles_since_ = 0;
};

}  // namespace audio_latency
