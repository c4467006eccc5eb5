// SPDX-License-Identifier: Apache-2.0
#include "bus_inbox.hpp"

#include <algorithm>
#include <cstdlib>

#include "bus_flows.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr std::size_t kMostPeers = 8192;
constexpr std::size_t kMostEndpointsOfPeer = 65'536;
constexpr EventTime kPeerLife = 60 * kSecond;
constexpr std::int64_t kFuture = 1'000'000'000;       // ns that an observation may be ahead of now
constexpr std::int64_t kTransport = 5'000'000'000;    // ns that it may be under way
constexpr std::uint64_t kLargestGap = 1'000'000'000;  // more is not a loss, it is another count
constexpr std::uint32_t kInterfaces = 16;             // told apart of one peer: capture points are remembered

}  // namespace

BusInbox::Peer* BusInbox::peer_of(BusMember from) {
  const auto known = peers_.find(from);
  if (known != peers_.end()) return &known->second;
  if (peers_.size() >= kMostPeers) return nullptr;
  Peer& peer = peers_[from];
  peer.number = number_of(std::to_string(from));  // until it tells its name
  return &peer;
}

std::uint32_t BusInbox::number_of(const std::string& node) {
  const auto number = static_cast<std::uint32_t>(numbers_.size() % (2 * kMostPeers) + 1);
  return numbers_.size() < 4 * kMostPeers ? numbers_.try_emplace(node, number).first->second : number;
}

BusInbox::Answer BusInbox::take(BusMember from, const BusBatch& batch, std::int64_t received_ns, const Clock& clock,
                                const Take& each) {
  Answer answer;
  answer.define_again = batch.define_again;
  Peer* peer = peer_of(from);
  if (peer == nullptr) {
    stats_.definitions_refused += batch.records.size();
    return answer;
  }
  peer->heard = clock.now;
  peer->told_uncertainty_ns = batch.clock_uncertainty_ns;
  peer->own_uncertainty_ns = clock.uncertainty_ns;
  if (batch.echoed_sent_ns != 0) {
    peer->clock.add(batch.echoed_sent_ns, batch.echoed_received_ns, batch.sent_ns, received_ns);
  }
  if (batch.stream != peer->stream) {
    flows_ -= peer->flows.size();
    peer->flows.clear();
    peer->endpoints.clear();
    peer->stream = batch.stream;
    peer->expected = 0;
  }
  define(*peer, batch, clock.now);
  const auto estimate = settings_.correct_clocks ? peer->clock.estimate() : std::nullopt;
  const std::int64_t correction = clock.offset_ns + (estimate ? estimate->offset_ns : 0);
  bool unknown = false;
  for (std::size_t i = sequence(*peer, batch); i < batch.records.size(); ++i) {
    unknown = !take_record(*peer, batch.records[i], clock, correction, each) || unknown;
  }
  answer.lacks_definitions = unknown && peer->asked + kSecond <= clock.now;
  if (answer.lacks_definitions) peer->asked = clock.now;
  return answer;
}

void BusInbox::define(Peer& peer, const BusBatch& batch, EventTime now) {
  if (!batch.node.empty() && batch.node != peer.node) {
    peer.node = batch.node;
    peer.number = number_of(batch.node);
  }
  for (const BusEndpoint& told : batch.endpoints) {
    if (peer.endpoints.size() >= kMostEndpointsOfPeer && !peer.endpoints.contains(told.number)) {
      ++stats_.definitions_refused;
      continue;
    }
    peer.endpoints[told.number] = names_.foreign_end(told, now);
  }
  const auto end_of = [&](std::uint32_t number) {
    const auto known = peer.endpoints.find(number);
    return known == peer.endpoints.end() ? BusNames::End{} : known->second;
  };
  for (const BusFlow& told : batch.flows) {
    const bool is_new = !peer.flows.contains(told.number);
    // A loopback address means another host on each node: such flows do not leave theirs.
    const bool local = told.key.source.ip.is_loopback() || told.key.destination.ip.is_loopback();
    if (local || (is_new && flows_ >= settings_.most_flows)) {
      ++stats_.definitions_refused;
      continue;
    }
    flows_ += is_new ? 1 : 0;
    peer.flows[told.number] = {told.key, end_of(told.sender), end_of(told.receiver)};
  }
}

// How many of the batch's records came before.
std::size_t BusInbox::sequence(Peer& peer, const BusBatch& batch) {
  const std::size_t count = batch.records.size();
  if (count == 0 || batch.first == 0) return 0;
  const bool restarted = peer.expected == 0 || batch.first > peer.expected + kLargestGap;
  if (restarted) peer.expected = batch.first;
  std::size_t known = 0;
  if (batch.first > peer.expected) {
    stats_.lost += batch.first - peer.expected;
  } else {
    known = static_cast<std::size_t>(std::min<std::uint64_t>(peer.expected - batch.first, count));
  }
  stats_.duplicates += known;
  peer.expected = std::max(peer.expected, batch.first + count);
  return known;
}

// False: its flow is not known.
bool BusInbox::take_record(Peer& peer, const BusRecord& record, const Clock& clock, std::int64_t correction,
                           const Take& each) {
  const auto known = peer.flows.find(record.flow);
  if (known == peer.flows.end()) {
    ++stats_.unknown_flow;
    return false;
  }
  // Differences of any two 64-bit numbers: unsigned, they wrap instead of overflowing.
  const auto time =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(record.time_ns) - static_cast<std::uint64_t>(correction));
  const auto ahead =
      static_cast<std::int64_t>(static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(clock.now));
  if (time <= 0 || ahead > kFuture || ahead < -static_cast<std::int64_t>(settings_.maximum_latency) - kTransport) {
    ++stats_.out_of_time;
    peer.refused = clock.now;
    return true;
  }
  const Flow& flow = known->second;
  PlacedObservation seen;
  copy_record(record, seen.observation);
  if (!record.learned && ahead < -static_cast<std::int64_t>(kBusLate)) {
    ++stats_.late;
    seen.observation.learned = true;
    peer.refused = clock.now;
  }
  seen.observation.time = static_cast<EventTime>(time);
  seen.observation.flow = flow.key;
  seen.observation.point.node = peer.number;
  seen.observation.point.interface = record.interface % kInterfaces;
  names_.touch(flow.sender, clock.now);
  names_.touch(flow.receiver, clock.now);
  names_.settle(seen, flow.sender, flow.receiver, clock.now);
  ++(seen.observation.learned ? stats_.learned : stats_.received);
  each(seen);
  return true;
}

void BusInbox::age(EventTime now) {
  std::erase_if(peers_, [&](const auto& each) {
    const Peer& peer = each.second;
    if (peer.heard + kPeerLife >= now) return false;
    flows_ -= peer.flows.size();
    return true;
  });
}

std::vector<BusPeerClock> BusInbox::clocks(EventTime now) const {
  std::vector<BusPeerClock> clocks;
  for (const auto& [member, peer] : peers_) {
    BusPeerClock clock{member, peer.number, peer.node};
    clock.uncertainty_ns = peer.told_uncertainty_ns + peer.own_uncertainty_ns;
    clock.refused = peer.refused != 0 && peer.refused + 10 * kSecond > now;
    if (const auto estimate = peer.clock.estimate()) {
      clock.measured = true;
      clock.offset_ns = estimate->offset_ns;
      clock.refused = clock.refused && std::llabs(estimate->offset_ns) > kFuture / 2;
      const std::uint64_t uncorrected =
          settings_.correct_clocks ? 0 : static_cast<std::uint64_t>(std::llabs(estimate->offset_ns));
      // Measured between the two, it bounds the error whatever each believes of its own.
      clock.uncertainty_ns = std::min(clock.uncertainty_ns, estimate->uncertainty_ns + uncorrected);
    }
    clocks.push_back(std::move(clock));
  }
  return clocks;
}

}  // namespace audio_latency
