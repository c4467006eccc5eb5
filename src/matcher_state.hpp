// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>

#include "matcher.hpp"
#include "matcher_coverage.hpp"
#include "matcher_flows.hpp"
#include "matcher_links.hpp"
#include "matcher_signatures.hpp"
#include "matcher_trail.hpp"

namespace audio_latency {

namespace matching {

// The options that matter here, in nanoseconds.
struct Rules {
  EventTime maximum_latency = 0;
  EventTime hop_window = 0;
  EventTime settle = 0;
  EventTime signature_ttl = 0;
  EventTime flow_timeout = 0;
  std::uint32_t maximum_signatures = 0;
  std::size_t minimum_matches = 3;
  bool match_unseen = false;

  static Rules of(const Options& options);
};

}  // namespace matching

// How an observation becomes a latency:
//   observe: find its flow ▶ find its signature ▶ same packet? repeat? another hop? ▶ wait SETTLE_MS
//   settle:  order the trail ▶ connect hops by causality ▶ for each connected pair: doubtful? vote : record
class Matcher::State {
 public:
  State(const Options& options, MatchSink& sink);

  void observe(const PlacedObservation& seen);
  void advance(EventTime now);
  void finish();
  void set_hearing(Hearing hearing);
  void set_clock_uncertainty(std::uint32_t node, std::uint64_t ns) { clock_uncertainty_[node] = ns; }

  bool is_behind(const FlowKey& flow, std::uint32_t node) const;

  MatcherStats stats() const;
  std::vector<LinkView> links() const;
  const std::vector<CoverageView>& coverage() const { return coverage_.views(); }
  std::size_t table_bytes() const { return signatures_.bytes(); }

 private:
  static constexpr std::uint32_t kNoNode = 0xffffffff;
  struct Due {
    EventTime time = 0;
    std::uint32_t signature = 0;
    std::uint8_t generation = 0;
  };

  // matcher_observe.cpp: an observation finds its place. The tables are larger than any cache, so observations wait
  // in a short queue while what they will touch is fetched.
  struct Waiting;
  void place(const Waiting& waiting);
  void place_waiting();
  std::uint32_t flow_of(const PlacedObservation& seen, std::uint64_t hash);
  void forget_links();
  void admit(const Observation& seen, std::uint32_t flow);
  void expire(int steps);
  void join(std::uint32_t signature, const Observation& seen, std::uint32_t flow);
  bool is_same_packet(const matching::Hop& hop, const Observation& seen) const;
  bool is_translated(const matching::Hop& hop, const Observation& seen) const;
  void see_again(std::uint32_t signature, matching::Hop& hop, const Observation& seen);
  void repeat(std::uint32_t signature, matching::Hop& hop, const Observation& seen, std::uint32_t flow);
  void add_hop(std::uint32_t signature, const Observation& seen, std::uint32_t flow);
  std::uint32_t identity_of(const PacketIdentity& packet) const;
  void schedule(std::uint32_t signature, EventTime time);

  // matcher_nodes.cpp: what several nodes see, and which of them records it.
  void see_elsewhere(matching::Hop& hop, std::uint32_t departure_node, std::uint32_t arrival_node);
  void see_behind(matching::FlowRecord& flow, const Observation& seen) const;
  bool is_complete(const matching::Hop& hop) const;
  bool may_be_elsewhere(const matching::Hop& hop) const;
  bool is_absent(const matching::FlowRecord& flow) const;
  std::uint32_t node_of(const matching::Hop& hop) const;
  std::int64_t uncertainty_between(std::uint32_t node_a, std::uint32_t node_b) const;

  // matcher_settle.cpp: a trail becomes latencies.
  void step_to(EventTime now);
  void settle_until(EventTime now);
  void evaluate(std::uint32_t signature, EventTime settled);
  void evaluate_step(std::uint32_t signature, matching::Trail& trail, std::size_t i);
  void evaluate_root(std::uint32_t signature, matching::Trail& trail, std::size_t i);
  void evaluate_pair(std::uint32_t signature, const matching::Trail& trail, std::size_t earlier, std::size_t later);
  matching::Link* link_of(std::uint32_t earlier, std::uint32_t later, Domain domain);
  void vote_unseen(std::uint32_t signature, const matching::Trail& trail, std::size_t root, std::size_t i);
  void report_network(std::uint32_t signature, const matching::Trail& trail, std::size_t i);
  void record(matching::Link& link, const matching::Vote& vote);

  // matcher_forming.cpp: when a link is believed.
  void hold(matching::Link& link, const matching::Vote& vote);
  bool is_doubtful(const matching::Link& link, const matching::Vote& vote) const;
  bool is_held_back(matching::Link& link, EventTime now);
  void drop_loop_entered(matching::Link& link);
  bool waits_for_finer(const matching::Link& link, EventTime now) const;
  matching::HeldVotes form(matching::Link& link, EventTime now);
  void form_links(EventTime now, bool at_end);
  void try_to_form(matching::Link& link, EventTime now, bool at_end);
  void maintain(EventTime now);
  void count(Collision reason) { ++stats_.collisions[static_cast<std::size_t>(reason)]; }
  void count(MatcherError error) { ++stats_.errors[static_cast<std::size_t>(error)]; }

  matching::Rules rules_;
  MatchSink& sink_;
  KeyedHash hash_;
  matching::FlowTable flows_;
  matching::SignatureTable signatures_;
  matching::LinkTable links_;
  matching::Coverage coverage_;
  std::deque<Due> due_;
  static constexpr std::size_t kWaiting = 16;
  struct Waiting {
    PlacedObservation seen;
    std::uint64_t flow_hash = 0;
  };
  std::array<Waiting, kWaiting> waiting_;
  std::size_t waited_ = 0;  // observations that came in all
  std::size_t placed_ = 0;  // and those that have left the queue
  std::map<std::uint32_t, std::uint64_t> clock_uncertainty_;
  MatcherStats stats_;
  Hearing hearing_ = Hearing::all;
  EventTime deaf_since_ = 0;
  bool started_ = false;
  EventTime start_ = 0;
  EventTime now_ = 0;
  EventTime maintained_ = 0;
  EventTime evicted_young_ = 0;
};

}  // namespace audio_latency
