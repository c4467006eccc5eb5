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
constexpr EventTime kMaximumArrivalDelta = 0xffffffff;
constexpr int kExpiredByOneMore = 3;  // signatures looked at for each that is added: faster than they come

}  // namespace

void Matcher::State::observe(const PlacedObservation& seen) {
  ++stats_.observations;
  Waiting& newest = waiting_[waited_++ % kWaiting];
  newest.seen = seen;
  newest.flow_hash = flows_.hash_of(seen.observation.flow);
  flows_.prefetch_index(newest.flow_hash);
  signatures_.prefetch_slot(seen.observation.signature, seen.observation.domain);
  if (waited_ - placed_ > kWaiting / 2) {
    const Waiting& nearer = waiting_[(waited_ - kWaiting / 2) % kWaiting];
    flows_.prefetch_record(nearer.flow_hash);
    signatures_.prefetch_record(nearer.seen.observation.signature, nearer.seen.observation.domain);
  }
  if (waited_ - placed_ == kWaiting) place(waiting_[placed_++ % kWaiting]);
}

void Matcher::State::place_waiting() {
  while (placed_ < waited_) place(waiting_[placed_++ % kWaiting]);
}

void Matcher::State::place(const Waiting& waiting) {
  const Observation& seen = waiting.seen.observation;
  step_to(std::max(now_, seen.time));
  const std::uint32_t flow = flow_of(waiting.seen, waiting.flow_hash);
  if (flow == kNone) return;
  const std::uint32_t signature = signatures_.find(seen.signature, seen.domain);
  if (signature == kNone) {
    admit(seen, flow);
  } else {
    join(signature, seen, flow);
  }
}

std::uint32_t Matcher::State::flow_of(const PlacedObservation& seen, std::uint64_t hash) {
  matching::FlowTable::Refusal refusal{};
  const std::uint32_t flow = flows_.find_or_add(seen, hash, now_, refusal);
  if (refusal == matching::FlowTable::Refusal::full) count(MatcherError::flow_table_full);
  if (refusal == matching::FlowTable::Refusal::quota) count(MatcherError::flow_quota);
  forget_links();
  if (flow == kNone) return kNone;
  matching::FlowRecord& record = flows_[flow];
  ++record.signatures[static_cast<std::size_t>(seen.observation.domain)];
  record.already_running = record.first_seen < start_ + kAlreadyRunning;
  if (seen.observation.behind) see_behind(record, seen.observation);
  return flow;
}

// The links of flows that are gone, before another flow in their place is linked.
void Matcher::State::forget_links() {
  if (!flows_.any_gone()) return;
  for (const std::uint32_t flow : flows_.take_gone()) links_.forget_flow(flow);
}

// The first sighting: the origin of a trail.
void Matcher::State::admit(const Observation& seen, std::uint32_t flow) {
  expire(kExpiredByOneMore);
  const std::uint32_t owner = flows_[flow].owner;
  if (flows_.owner(owner).component != 0 && flows_.owner(owner).signatures >= rules_.maximum_signatures / 10) {
    count(MatcherError::signature_quota);
    return;
  }
  if (signatures_.full()) {
    const matching::Evicted evicted = signatures_.evict_oldest(now_ - std::min(now_, rules_.maximum_latency));
    signatures_.prefetch_oldest();
    flows_.drop_signature(evicted.owner);
    if (evicted.young) {
      count(MatcherError::signature_evicted);
      evicted_young_ = now_;
    }
  }
  ++flows_.owner(owner).signatures;
  add_hop(signatures_.add(seen.signature, seen.domain, owner, seen.time), seen, flow);
  if (!flows_[flow].follows && !seen.learned) coverage_.heard(flows_[flow], seen.time);
}

void Matcher::State::join(std::uint32_t signature, const Observation& seen, std::uint32_t flow) {
  signatures_.touch(signature, seen.time);
  for (std::uint32_t at = signatures_[signature].first_hop; at != kNone; at = signatures_.hop(at).next) {
    Hop& hop = signatures_.hop(at);
    ++stats_.steps;
    const matching::FlowRecord& record = flows_[hop.flow];
    if (!matching::is_of(hop, record)) continue;
    const bool same_flow = hop.flow == flow || record.arrival_flow == flows_.ref(flow);
    if (same_flow && is_same_packet(hop, seen)) return see_again(signature, hop, seen);
    if (same_flow && hop.flow == flow) return repeat(signature, hop, seen, flow);
    if (same_flow) return;  // another packet of the translated flow: the repeat was counted before translation
    if (is_translated(hop, seen)) {
      flows_[hop.flow].arrival_flow = flows_.ref(flow);
      return see_again(signature, hop, seen);
    }
  }
  if (signatures_[signature].hops >= matching::kMaximumHops) return count(MatcherError::trail_overflow);
  if (seen.time + rules_.settle < now_) count(MatcherError::late);
  add_hop(signature, seen, flow);
  schedule(signature, seen.time);
}

bool Matcher::State::is_same_packet(const Hop& hop, const Observation& seen) const {
  if (hop.identity != identity_of(seen.packet)) return false;
  if (seen.packet.kind != AL_IDENTITY_UDP) return true;
  // Plain UDP has no sequence number: what looks the same much later is a loop, not the same packet.
  const EventTime departure = hop.departure();
  const EventTime apart = seen.time > departure ? seen.time - departure : departure - seen.time;
  return apart <= rules_.hop_window;
}

// The packet of one hop after address translation: its IP ID is kept and a router has counted down its TTL. ID 0
// says nothing (Linux gives it to what may not be fragmented and comes from no connected socket): then one end's
// address must be kept too, since a relay that keeps RTP headers changes both.
bool Matcher::State::is_translated(const Hop& hop, const Observation& seen) const {
  if (hop.identity != identity_of(seen.packet)) return false;
  if (hop.ip_id != static_cast<std::uint16_t>(seen.packet.ip_id_or_label) || seen.ttl >= hop.ttl) return false;
  const matching::FlowRecord& flow = flows_[hop.flow];
  if (seen.point == flow.points[hop.point]) return false;
  const bool end_kept = flow.key.source == seen.flow.source || flow.key.destination == seen.flow.destination;
  if (hop.ip_id == 0 && !end_kept) return false;
  return seen.time >= hop.departure() && seen.time - hop.departure() <= rules_.hop_window;
}

// The same packet at another capture point, or a retransmission: of the latter the first stands at each point.
void Matcher::State::see_again(std::uint32_t signature, Hop& hop, const Observation& seen) {
  const std::uint32_t point = flows_[hop.flow].points.number_of(seen.point);
  if (point == hop.point) return;
  const EventTime departure = hop.departure();
  const bool arrived = hop.arrival_delta != 0;
  const bool again = arrived && point == hop.arrival_point;
  if (again && seen.time >= hop.arrival()) return;
  if (arrived && seen.time > hop.arrival() + rules_.hop_window) return;  // a retransmission at a third point
  const EventTime first = std::min(departure, seen.time);
  const EventTime last = again ? std::max(departure, seen.time) : std::max(hop.arrival(), seen.time);
  if (last - first > kMaximumArrivalDelta) return;
  if (const std::uint32_t node = node_of(hop); node != seen.point.node) {
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
  if (seen.learned) hop.arrival_reported = hop.partly_learned = true;
  hop.set_departure(first);
  flows_.see_from(hop.flow, first);
  hop.arrival_delta = static_cast<std::uint32_t>(last - first);
  schedule(signature, seen.time);
}

void Matcher::State::repeat(std::uint32_t signature, Hop& hop, const Observation& seen, std::uint32_t flow) {
  const EventTime before = hop.departure();
  const bool within = seen.time <= before + rules_.maximum_latency;
  if (!within && !hop.repeated) {  // played again: a new occurrence
    signatures_.clear_hops(signature);
    add_hop(signature, seen, flow);
    return;
  }
  count(Collision::repeat);
  hop.repeated = true;
  hop.identity = identity_of(seen.packet);
  hop.arrival_delta = 0;
  hop.arrival_reported = true;
  hop.set_departure(std::max(before, seen.time));
  matching::FlowRecord& record = flows_[flow];
  if (record.first_repeat == 0) record.first_repeat = seen.time;
  record.last_repeat = std::max(record.last_repeat, seen.time);
}

void Matcher::State::add_hop(std::uint32_t signature, const Observation& seen, std::uint32_t flow) {
  Hop& hop = signatures_.hop(signatures_.add_hop(signature));
  hop.set_departure(seen.time);
  hop.flow = flow;
  hop.identity = identity_of(seen.packet);
  hop.generation = flows_[flow].generation & 15;
  hop.point = flows_[flow].points.number_of(seen.point);
  hop.ip_id = static_cast<std::uint16_t>(seen.packet.ip_id_or_label);
  hop.ttl = seen.ttl;
  hop.learned = hop.partly_learned = seen.learned;
}

std::uint32_t Matcher::State::identity_of(const PacketIdentity& packet) const {
  const std::uint64_t numbers = std::uint64_t{packet.stream_id} << 32 | packet.rtp_timestamp;
  const std::uint64_t place = std::uint64_t{packet.payload_length} << 32 | packet.offset;
  if (packet.kind == AL_IDENTITY_TCP) return static_cast<std::uint32_t>(hash_(packet.stream_id, 6) >> 46);
  const std::uint64_t kind = std::uint64_t{packet.kind} << 32 | packet.rtp_sequence;
  const std::uint64_t id = packet.kind == AL_IDENTITY_UDP ? packet.ip_id_or_label : 0;
  return static_cast<std::uint32_t>(hash_(hash_(numbers, place), kind ^ (id << 40)) >> 46);
}

void Matcher::State::schedule(std::uint32_t signature, EventTime time) {
  if (signatures_[signature].pending) return;
  signatures_[signature].pending = true;
  due_.push_back({std::max(now_, time) + rules_.settle, signature, signatures_[signature].generation});
}

}  // namespace audio_latency
