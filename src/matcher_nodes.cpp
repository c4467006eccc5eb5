// SPDX-License-Identifier: Apache-2.0
// What several nodes see, and which of them records it (docs/ARCHITECTURE.md, "The bus").
#include "matcher_state.hpp"

namespace audio_latency {

using matching::FlowRecord;
using matching::Hop;
using matching::kNone;

namespace {

constexpr EventTime kSilentNode = 4'000'000'000;   // ns: not waited for any more
constexpr EventTime kAbsentNode = 30'000'000'000;  // ns: gone before this node was cut off

}  // namespace

void Matcher::State::set_hearing(Hearing hearing) {
  if (hearing == Hearing::nobody && hearing_ != Hearing::nobody) deaf_since_ = now_;
  hearing_ = hearing;
}

// Of the nodes that see a flow, the first one's sightings decide: two owners that each got another node's sighting of
// one hop, since the bus was torn between them, must not both record it.
void Matcher::State::see_elsewhere(Hop& hop, std::uint32_t departure_node, std::uint32_t arrival_node) {
  hop.two_nodes = true;
  flows_[hop.flow].first_node = departure_node;
  flows_[hop.flow].other_node = arrival_node;
  flows_[hop.flow].first_node_known = now_;
}

// Others have told this node of a flow whose sightings all went to them.
void Matcher::State::see_behind(FlowRecord& flow, const Observation& seen) const {
  if (flow.first_node_known != 0 && flow.first_node != seen.point.node) return;
  flow.first_node = kNoNode;  // whichever it is
  flow.first_node_known = now_;
}

bool Matcher::State::is_behind(const FlowKey& key, std::uint32_t node) const {
  const std::uint32_t index = flows_.find(key);
  if (index == kNone) return false;
  const FlowRecord& flow = flows_[index];
  return flow.first_node_known != 0 && flow.first_node != node && flow.first_node_known + kSilentNode >= now_;
}

// Whoever else saw the flow was not heard long before nobody was.
bool Matcher::State::is_absent(const FlowRecord& flow) const {
  return flow.first_node_known + kAbsentNode < deaf_since_;
}

// All sightings of the hop that are to be expected are there. A node that has been silent for a while is not expected
// any more, unless it is this node that hears nobody.
bool Matcher::State::is_complete(const Hop& hop) const {
  const FlowRecord& flow = flows_[hop.flow];
  if (flow.first_node_known == 0 || hop.two_nodes || flow.first_node == node_of(hop)) return true;
  return hearing_ == Hearing::all ? flow.first_node_known + kSilentNode < now_ : is_absent(flow);
}

// Just after nodes hear each other again, what one has seen goes to an owner that others do not know yet: those have
// sightings of the same hop sent to one that does without it. Whoever has all of them live, is the only one.
bool Matcher::State::may_be_elsewhere(const Hop& hop) const {
  const FlowRecord& flow = flows_[hop.flow];
  if (hearing_ != Hearing::again || flow.first_node_known == 0 || is_absent(flow)) return false;
  return !hop.two_nodes || hop.partly_learned;
}

// That saw it depart.
std::uint32_t Matcher::State::node_of(const Hop& hop) const {
  return flows_[hop.flow].points[hop.point].node;
}

std::int64_t Matcher::State::uncertainty_between(std::uint32_t node_a, std::uint32_t node_b) const {
  if (node_a == node_b) return 0;  // one clock
  const auto of = [&](std::uint32_t node) {
    const auto known = clock_uncertainty_.find(node);
    return known == clock_uncertainty_.end() ? std::int64_t{0} : static_cast<std::int64_t>(known->second);
  };
  return of(node_a) + of(node_b);
}

}  // namespace audio_latency
