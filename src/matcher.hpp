// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "audio_latency/match.hpp"
#include "audio_latency/options.hpp"

namespace audio_latency {

// Why a match was refused: label `reason` of audio_signature_collisions_total.
enum class Collision : std::uint8_t { repeat, origins, loop_entered, count };
// label `error_type` of audio_processing_errors_total.
enum class MatcherError : std::uint8_t {
  negative_latency,
  trail_overflow,     // more than 16 hops
  signature_evicted,  // younger than MAX_LATENCY: repeats can't be told any more
  signature_quota,    // one endpoint holds a tenth of the table
  flow_table_full,
  flow_quota,
  late,  // arrived after its trail had settled
  link_table_full,
  link_quota,
  count
};
const char* to_string(Collision reason);
const char* to_string(MatcherError error);

// Whether other nodes are heard that see the same flows. Again: they were not a moment ago, and what they see may be
// sent to others still, which have done without this one.
enum class Hearing : std::uint8_t { all, again, nobody };

struct MatcherStats {
  std::uint64_t observations = 0;
  std::uint64_t steps = 0;    // hops, pairs of hops, votes and links looked at for them: what an observation costs
  std::uint64_t matched = 0;  // signatures with at least one recorded latency
  std::uint64_t uncertain = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(Collision::count)> collisions{};
  std::array<std::uint64_t, static_cast<std::size_t>(MatcherError::count)> errors{};
  std::uint64_t active_signatures = 0;
  std::uint64_t active_flows = 0;
  std::uint64_t relieved_flows = 0;  // forgotten early, ever (flow_relief.hpp)
  std::uint64_t active_links = 0;
  bool evicting_young = false;  // for /readyz
};

// A formed link, as /api/v1/links and the gauges show it.
struct LinkView {
  FlowKey earlier;
  FlowKey later;
  Placement source;  // sender of the earlier flow
  Placement dest;    // receiver of the later flow
  std::uint64_t matches = 0;
  double current_seconds = 0;  // median of the last 10 s
  double drift_ratio = 0;      // slope over the last 60 s, seconds a second
  EventTime formed = 0;
  EventTime last_match = 0;
};

// Seconds of sound by source (sender of origin flows): how much was seen, how much of it got a latency. Never falls.
struct CoverageView {
  FlowKey origin;  // the source's first
  Placement source;
  std::uint64_t speech_seconds = 0;
  std::uint64_t measured_seconds = 0;
};

// Observations in, latencies out (matching.md). Works in event time, has no clock of its own, is bounded.
// One thread. Observations may be out of order by up to SETTLE_MS.
class Matcher {
 public:
  Matcher(const Options& options, MatchSink& sink);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  void observe(const PlacedObservation& seen);  // takes effect a few observations later, or with advance()
  void advance(EventTime now);                  // settles trails older than SETTLE_MS, ages the tables
  void finish();                                // the source has ended: settles everything
  // Where nobody is heard, hops that others see first stay incomplete, and are theirs to record.
  void set_hearing(Hearing hearing);
  // How far the clock of a node (CapturePoint::node) may be off from this one's, ns; 0 until told, and for node 0.
  void set_clock_uncertainty(std::uint32_t node, std::uint64_t uncertainty_ns);

  // Another node than `node` has just seen packets of this flow before that one did.
  bool is_behind(const FlowKey& flow, std::uint32_t node) const;

  MatcherStats stats() const;
  std::vector<LinkView> links() const;
  std::vector<CoverageView> coverage() const;  // a source keeps its place
  std::size_t table_bytes() const;             // allocated for live signatures

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace audio_latency
