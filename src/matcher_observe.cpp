// SPDX-License-Identifier: Apache-2.0
// Where an observation belongs: same packet or not, a repeat, or another hop (matching.md, "Same packet or not").
#include <algorithm>

#include "matcher_state.hpp"

namespace audio_latency {

using matching::Hop;
using matching::kNone;

namespace {

// A flow whose sound begins this soon after tracking began was running before.
constexpr EventTime kAlreadyRunning = 1'000'000'000;
constexpr EventTime kSilentNode = 4'000'000'000;  // ns
constexpr EventTime kMaximumArrivalDelta = 0xffffffff;

}  // namespace

void Matcher::State::place(const Waiting& waiting) {
  const Observation& seen = waiting.seen.observation;
  step_to(std::max(now_, seen.time));
  const std::uint32_t flow = flow_of(waiting.seen, waiting.flow_hash);
  if (flow == kNone) return;
  const Sighting sighting{seen, flow, identity_of(seen.packet), point_of(seen.point)};
  const std::uint32_t signature = signatures_.find(waiting.signature_hash, seen.signature, seen.domain);
  if (signature == kNone) {
    admit(sighting, waiting.signature_hash);
  } else {
    join(signature, sighting);
  }
}

std::uint32_t Matcher::State::flow_of(const PlacedObservation& seen, std::uint64_t hash) {
  matching::FlowTable::Refusal refusal{};
  const std::uint32_t flow = flows_.find_or_add(seen, hash, refusal);
  if (refusal == matching::FlowTable::Refusal::full) count(MatcherError::flow_table_full);
  if (refusal == matching::FlowTable::Refusal::quota) count(MatcherError::flow_quota);
  if (flows_.any_gone()) forget_links();
  if (flow == kNone) return kNone;
  matching::FlowRecord& record = flows_[flow];
  ++record.signatures[static_cast<std::size_t>(seen.observation.domain)];
  record.already_running = record.first_seen < start_ + kAlreadyRunning;
  return flow;
}

void Matcher::State::forget_links() {
  for (const std::uint32_t flow : flows_.take_gone()) links_.forget_flow(flow);
}

// The first sighting: the origin of a trail.
void Matcher::State::admit(const Sighting& sighting, std::uint64_t hash) {
  make_room();
  const Observation& seen = sighting.seen;
  const std::uint32_t owner = flows_[sighting.flow].owner;
  if (flows_.owner(owner).component != 0 && flows_.owner(owner).signatures >= rules_.maximum_signatures / 10) {
    count(MatcherError::signature_quota);
    return;
  }
  if (signatures_.full()) {
    const matching::Evicted evicted = signatures_.evict_oldest(now_ - std::min(now_, rules_.maximum_latency));
    flows_.drop_signature(evicted.owner);
    if (evicted.young) {
      count(MatcherError::signature_evicted);
      evicted_young_ = now_;
    }
  }
  ++flows_.owner(owner).signatures;
  add_hop(signatures_.add(hash, seen.signature, seen.domain, owner, seen.time), sighting);
  if (!flows_[sighting.flow].follows && !seen.learned) coverage_.heard(flows_[sighting.flow], seen.time);
}

// A few of what has expired go with each that comes: never a pause, and faster than they come.
void Matcher::State::make_room() {
  signatures_.fetch_oldest();
  const EventTime expired_before = now_ - std::min(now_, rules_.signature_ttl);
  std::uint32_t gone = kNone;
  for (int step = 0; step < 3 && signatures_.expire_step(expired_before, gone); ++step) {
    if (gone != kNone) flows_.drop_signature(gone);
  }
}

void Matcher::State::join(std::uint32_t signature, const Sighting& sighting) {
  const std::uint32_t flow = sighting.flow;
  signatures_.touch(signature, sighting.seen.time);
  for (std::uint32_t at = signatures_[signature].first_hop; at != kNone; at = signatures_.hop(at).next) {
    Hop& hop = signatures_.hop(at);
    if (!flows_.is_still(hop.flow, hop.generation)) continue;
    const bool same_flow = hop.flow == flow || flows_.arrives_as(hop.flow, flow);
    if (same_flow && is_same_packet(hop, sighting)) return see_again(signature, hop, sighting);
    if (same_flow && hop.flow == flow) return repeat(signature, hop, sighting);
    if (same_flow) return;  // another packet of the translated flow: the repeat was counted before translation
    if (is_translated(hop, sighting)) {
      flows_.set_arrival(hop.flow, flow);
      return see_again(signature, hop, sighting);
    }
  }
  if (signatures_[signature].hops >= matching::kMaximumHops) return count(MatcherError::trail_overflow);
  if (sighting.seen.time + rules_.settle < now_) count(MatcherError::late);
  add_hop(signature, sighting);
  schedule(signature, sighting.seen.time);
}

bool Matcher::State::is_same_packet(const Hop& hop, const Sighting& sighting) const {
  if (hop.identity != sighting.identity) return false;
  if (sighting.seen.packet.kind != AL_IDENTITY_UDP) return true;
  // Plain UDP has no sequence number: what looks the same much later is a loop, not the same packet.
  const EventTime departure = hop.departure();
  const EventTime time = sighting.seen.time;
  return (time > departure ? time - departure : departure - time) <= rules_.hop_window;
}

// The packet of one hop after address translation: its IP ID is kept and a router has counted down its TTL.
bool Matcher::State::is_translated(const Hop& hop, const Sighting& sighting) const {
  const Observation& seen = sighting.seen;
  if (hop.identity != sighting.identity || hop.point == sighting.point) return false;
  if (hop.ip_id != static_cast<std::uint16_t>(seen.packet.ip_id_or_label) || seen.ttl >= hop.ttl) return false;
  return seen.time >= hop.departure() && seen.time - hop.departure() <= rules_.hop_window;
}

// The same packet at another capture point, or a retransmission: of the latter the first stands at each point.
void Matcher::State::see_again(std::uint32_t signature, Hop& hop, const Sighting& sighting) {
  const Observation& seen = sighting.seen;
  const std::uint32_t point = sighting.point;
  if (point == hop.point) return;
  const EventTime departure = hop.departure();
  const bool arrived = hop.arrival_delta != 0;
  const bool again = arrived && point == hop.arrival_point;
  if (again && seen.time >= hop.arrival()) return;
  if (arrived && seen.time > hop.arrival() + rules_.hop_window) return;  // a retransmission at a third point
  const EventTime first = std::min(departure, seen.time);
  const EventTime last = again ? std::max(departure, seen.time) : std::max(hop.arrival(), seen.time);
  if (last - first > kMaximumArrivalDelta) return;
  if (const std::uint32_t node = point_nodes_[hop.point]; node != seen.point.node) {
    const bool earlier = seen.time < departure;
    see_elsewhere(hop, earlier ? seen.point.node : node, earlier ? node : seen.point.node);
  }
  if (last == seen.time) hop.arrival_point = point;
  if (seen.time < departure) {
    if (last == departure) hop.arrival_point = hop.point;
    hop.point = point;
    hop.ttl = seen.ttl;
    hop.learned = seen.learned;
  }
  if (seen.learned) hop.arrival_reported = true;
  hop.set_departure(first);
  hop.arrival_delta = static_cast<std::uint32_t>(last - first);
  schedule(signature, seen.time);
}

void Matcher::State::repeat(std::uint32_t signature, Hop& hop, const Sighting& sighting) {
  const EventTime time = sighting.seen.time;
  const EventTime before = hop.departure();
  const bool within = time <= before + rules_.maximum_latency;
  if (!within && !hop.repeated) {  // played again: a new occurrence
    signatures_.clear_hops(signature);
    add_hop(signature, sighting);
    return;
  }
  count(Collision::repeat);
  hop.repeated = true;
  hop.identity = sighting.identity;
  hop.arrival_delta = 0;
  hop.arrival_reported = true;
  hop.set_departure(std::max(before, time));
  matching::FlowRecord& record = flows_[sighting.flow];
  if (record.first_repeat == 0) record.first_repeat = time;
  record.last_repeat = std::max(record.last_repeat, time);
}

void Matcher::State::add_hop(std::uint32_t signature, const Sighting& sighting) {
  const Observation& seen = sighting.seen;
  Hop& hop = signatures_.hop(signatures_.add_hop(signature));
  hop.set_departure(seen.time);
  hop.flow = sighting.flow;
  hop.identity = sighting.identity;
  hop.generation = flows_[sighting.flow].generation & 15;
  hop.point = sighting.point;
  hop.ip_id = static_cast<std::uint16_t>(seen.packet.ip_id_or_label);
  hop.ttl = seen.ttl;
  hop.learned = seen.learned;
}

std::uint32_t Matcher::State::identity_of(const PacketIdentity& packet) const {
  const std::uint64_t numbers = std::uint64_t{packet.stream_id} << 32 | packet.rtp_timestamp;
  const std::uint64_t place = std::uint64_t{packet.payload_length} << 32 | packet.offset;
  if (packet.kind == AL_IDENTITY_TCP) return static_cast<std::uint32_t>(hash_(packet.stream_id, 6) >> 46);
  const std::uint64_t kind = std::uint64_t{packet.kind} << 32 | packet.rtp_sequence;
  const std::uint64_t id = packet.kind == AL_IDENTITY_UDP ? packet.ip_id_or_label : 0;
  return static_cast<std::uint32_t>(hash_(hash_(numbers, place), kind ^ (id << 40)) >> 46);
}

std::uint32_t Matcher::State::point_of(const CapturePoint& point) {
  KnownPoint& known = known_points_[(point.node * 8 + point.interface * 2 + point.direction) % known_points_.size()];
  if (known.point == point) return known.number;
  const auto next = static_cast<std::uint32_t>(points_.size() % point_nodes_.size());
  const std::uint32_t number = points_.try_emplace(point, next).first->second;
  known = {point, number};
  point_nodes_[number] = point.node;
  return number;
}

// Of the nodes that see a flow, the first one's sightings decide: two owners that each got another node's sighting of
// one hop, since the bus was torn between them, must not both record it.
void Matcher::State::see_elsewhere(Hop& hop, std::uint32_t departure_node, std::uint32_t arrival_node) {
  hop.two_nodes = true;
  flows_[hop.flow].first_node = departure_node;
  flows_[hop.flow].other_node = arrival_node;
  flows_[hop.flow].first_node_known = now_;
}

// All sightings of the hop that are to be expected are there. A node that has been silent for a while is not expected
// any more, unless it is this node that hears nobody.
bool Matcher::State::is_complete(const Hop& hop) const {
  const matching::FlowRecord& flow = flows_[hop.flow];
  if (flow.first_node_known == 0 || hop.two_nodes || flow.first_node == point_nodes_[hop.point]) return true;
  return !cut_off_ && flow.first_node_known + kSilentNode < now_;
}

std::int64_t Matcher::State::uncertainty_between(std::uint32_t node_a, std::uint32_t node_b) const {
  if (node_a == node_b) return 0;  // one clock
  const auto of = [&](std::uint32_t node) {
    const auto known = clock_uncertainty_.find(node);
    return known == clock_uncertainty_.end() ? std::int64_t{0} : static_cast<std::int64_t>(known->second);
  };
  return of(node_a) + of(node_b);
}

void Matcher::State::schedule(std::uint32_t signature, EventTime time) {
  if (signatures_[signature].pending) return;
  signatures_[signature].pending = true;
  due_.push_back({std::max(now_, time) + rules_.settle, signature, signatures_[signature].generation});
}

}  // namespace audio_latency
