// SPDX-License-Identifier: Apache-2.0
// A settled trail becomes latencies, or the reason why not (matching.md, "What is measured", "What must not be
// matched").
#include <algorithm>
#include <utility>

#include "matcher_state.hpp"

namespace audio_latency {

using matching::FlowRecord;
using matching::Link;
using matching::Trail;
using matching::Vote;

namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kUnseenSound = 20 * kSecond;
constexpr std::size_t kAhead = 12;
constexpr double kUnseenShare = 0.6;

}  // namespace

void Matcher::State::settle_until(EventTime now) {
  while (!due_.empty() && due_.front().time <= now) {
    const Due due = due_.front();
    due_.pop_front();
    if (due_.size() > kAhead) {  // the tables are larger than any cache
      signatures_.prefetch(due_[kAhead].signature);
      signatures_.prefetch_hops(due_[kAhead * 2 / 3].signature);
      signatures_.prefetch_second_hop(due_[kAhead / 3].signature);
    }
    matching::Signature& signature = signatures_[due.signature];
    if (!signature.live || signature.generation != due.generation) continue;
    signature.pending = false;
    evaluate(due.signature, due.time - rules_.settle);
  }
}

void Matcher::State::evaluate(std::uint32_t signature, EventTime settled) {
  Trail trail(signatures_, signature, flows_, links_);
  stats_.steps += trail.size() * trail.size();
  for (std::size_t i = 0; i < trail.size(); ++i) {
    if (trail[i].departure > settled) {
      schedule(signature, trail[i].departure);
      return;
    }
    report_network(signature, trail, i);
    if (trail[i].hop->evaluated) continue;
    trail[i].hop->evaluated = true;
    if (i > 0) evaluate_step(signature, trail, i);
  }
}

void Matcher::State::evaluate_step(std::uint32_t signature, Trail& trail, std::size_t i) {
  if (trail.is_root(i)) return evaluate_root(signature, trail, i);
  if (trail.repeated_up_to(i)) return count(Collision::repeat);
  for (int at = trail[i].predecessor; at >= 0; at = trail[static_cast<std::size_t>(at)].predecessor) {
    const auto earlier = static_cast<std::size_t>(at);
    if (!trail.siblings(earlier, i)) evaluate_pair(signature, trail, earlier, i);
  }
}

// Another origin of the same sound: twins, unless it is the same socket speaking twice.
void Matcher::State::evaluate_root(std::uint32_t signature, Trail& trail, std::size_t i) {
  if (trail.sent_before_received(i, rules_.hop_window)) return count(MatcherError::negative_latency);
  bool twin = false;
  for (std::size_t j = 0; j < i; ++j) {
    if (!trail.is_root(j) || trail.siblings(i, j)) continue;
    if (rules_.match_unseen) vote_unseen(signature, trail, j, i);
    flows_[trail[j].flow].shared.add(trail[j].departure);
    flows_[trail[i].flow].shared.add(trail[i].departure);
    twin = true;
  }
  if (!twin) return;
  // The trail's first hop was not evaluated itself: clocks that disagree show here. The flows stay twins: that is safe.
  if (trail.sent_before_received(0, i, rules_.hop_window)) return count(MatcherError::negative_latency);
  count(Collision::origins);
}

matching::Link* Matcher::State::link_of(std::uint32_t earlier, std::uint32_t later, Domain domain) {
  const std::uint32_t owner = flows_[later].owner;
  const bool exempt = owner == matching::kNone || flows_.owner(owner).component == 0;
  matching::LinkTable::Refusal refusal{};
  Link* const link = links_.find_or_add(earlier, later, domain, exempt ? matching::kNone : owner, refusal);
  if (refusal == matching::LinkTable::Refusal::full) count(MatcherError::link_table_full);
  if (refusal == matching::LinkTable::Refusal::quota) count(MatcherError::link_quota);
  return link;
}

void Matcher::State::evaluate_pair(std::uint32_t signature, const Trail& trail, std::size_t earlier,
                                   std::size_t later) {
  const Trail::Step& from = trail[earlier];
  const Trail::Step& to = trail[later];
  const Trail::Step& root = trail[trail.root_of(later)];
  if (to.departure - from.departure > rules_.maximum_latency) return;

  const auto domain = static_cast<Domain>(signatures_[signature].domain);
  Link* link = link_of(from.flow, to.flow, domain);
  if (link == nullptr) return;
  ++link->votes;

  Vote vote;
  vote.origin_time = root.departure;
  vote.earlier_time = from.departure;
  vote.later_time = to.departure;
  vote.latency_ns = static_cast<std::int64_t>(to.departure - from.departure);
  const bool direct = to.predecessor == static_cast<int>(earlier) && !to.follows_origin && link->connected;
  if (direct) vote.stage_ns = static_cast<std::int64_t>(to.departure) - static_cast<std::int64_t>(from.arrival);
  vote.signature = signatures_[signature].value();
  vote.origin_flow = flows_.ref(root.flow);
  vote.domain = domain;
  vote.learned = to.hop->learned || !is_complete(*from.hop) || !is_complete(*to.hop) || may_be_elsewhere(*to.hop);
  vote.uncertainty_ns = uncertainty_between(node_of(*from.hop), node_of(*to.hop));
  const std::uint32_t arrived_at = from.hop->two_nodes ? flows_[from.flow].other_node : node_of(*from.hop);
  vote.stage_uncertainty_ns = uncertainty_between(arrived_at, node_of(*to.hop));
  if (is_doubtful(*link, vote)) return count(Collision::origins);
  vote.counts = !signatures_[signature].matched && !vote.learned;
  signatures_[signature].matched |= vote.counts;
  if (link->formed) return record(*link, vote);
  hold(*link, vote);
}

void Matcher::State::record(Link& link, const Vote& vote) {
  const FlowRecord& earlier = flows_[link.earlier];
  const FlowRecord& later = flows_[link.later];
  link.last_match = vote.later_time;
  link.delays.add(vote.later_time, vote.latency_ns);
  link.pace.add(vote.later_time);
  if (links_.spoken_for(link, vote.later_time)) return;
  link.spoke_at = std::max(link.spoke_at, vote.later_time);
  ++link.matches;
  if (vote.counts) ++stats_.matched;
  if (!vote.learned && flows_.is_there(vote.origin_flow))
    coverage_.measured(flows_[vote.origin_flow.index], vote.origin_time);
  if (!vote.learned && vote.latency_ns < vote.uncertainty_ns) ++stats_.uncertain;

  Match match;
  match.kind = MatchKind::latency;
  match.time = vote.later_time;
  match.source = earlier.key.source;
  match.dest = flows_.receiver_address(link.later);
  match.source_place = earlier.sender;
  match.dest_place = flows_.receiver(link.later);
  match.latency_ns = vote.latency_ns;
  match.signature = vote.signature;
  match.domain = vote.domain;
  match.uncertainty_ns = static_cast<std::uint64_t>(vote.uncertainty_ns);
  match.learned = vote.learned;
  sink_.on_match(match);
  if (vote.stage_ns < 0) return;
  match.kind = MatchKind::stage;
  match.source = flows_.receiver_address(link.earlier);
  match.dest = later.key.source;
  match.source_place = flows_.receiver(link.earlier);
  match.dest_place = later.sender;
  match.latency_ns = vote.stage_ns;
  match.uncertainty_ns = static_cast<std::uint64_t>(vote.stage_uncertainty_ns);
  sink_.on_match(match);
}

// One hop at two capture points: certain, since it is one packet.
void Matcher::State::report_network(std::uint32_t signature, const Trail& trail, std::size_t i) {
  matching::Hop& hop = *trail[i].hop;
  if (hop.arrival_delta == 0 || hop.arrival_reported || hop.repeated) return;
  hop.arrival_reported = true;
  const FlowRecord& flow = flows_[trail[i].flow];
  Match match;
  match.kind = MatchKind::network;
  match.time = trail[i].arrival;
  match.source = flow.key.source;
  match.dest = flows_.receiver_address(trail[i].flow);
  match.source_place = flow.sender;
  match.dest_place = flows_.receiver(trail[i].flow);
  match.latency_ns = hop.arrival_delta;
  match.signature = signatures_[signature].value();
  match.domain = static_cast<Domain>(signatures_[signature].domain);
  if (hop.two_nodes)
    match.uncertainty_ns = static_cast<std::uint64_t>(uncertainty_between(flow.first_node, flow.other_node));
  sink_.on_match(match);
}

// MATCH_UNSEEN: two origins are one sound if they shared most of the later one's windows, at one delay, for 20 s.
void Matcher::State::vote_unseen(std::uint32_t signature, const Trail& trail, std::size_t root, std::size_t i) {
  Link* link = link_of(trail[root].flow, trail[i].flow, static_cast<Domain>(signatures_[signature].domain));
  if (link == nullptr || link->formed || trail.repeated_up_to(root) || trail.repeated_up_to(i)) return;
  const FlowRecord& later = flows_[trail[i].flow];
  const std::uint64_t later_signatures = later.signatures[static_cast<std::size_t>(link->domain)];
  if (link->held.empty()) link->later_signatures = later_signatures;
  link->connected = false;
  link->last_match = trail[i].departure;
  Vote vote;
  vote.origin_time = vote.earlier_time = trail[root].departure;
  vote.later_time = trail[i].departure;
  vote.latency_ns = static_cast<std::int64_t>(trail[i].departure - trail[root].departure);
  vote.signature = signatures_[signature].value();
  vote.origin_flow = flows_.ref(trail[root].flow);
  vote.domain = link->domain;
  vote.learned = trail[i].hop->learned;
  if (vote.latency_ns > static_cast<std::int64_t>(rules_.maximum_latency)) return;
  if (!links_.vote(*link, vote, 3 * kUnseenSound)) return;
  const EventTime span = link->held.back().later_time - link->held.front().later_time;
  const auto seen = static_cast<double>(later_signatures - link->later_signatures + 1);
  if (span < kUnseenSound || static_cast<double>(link->held.size()) < kUnseenShare * seen) return;
  for (const Vote& each : form(*link, now_)) record(*link, each);
}

}  // namespace audio_latency
