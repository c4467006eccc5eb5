// SPDX-License-Identifier: Apache-2.0
#include "bus_inbox.hpp"

#include <algorithm>
#include <utility>

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kBetweenTouches = 60 * kSecond;
constexpr std::size_t kMostPeers = 8192;
constexpr std::size_t kMostEndpointsOfPeer = 65'536;
constexpr EventTime kPeerLife = 60 * kSecond;
constexpr EventTime kTellAgain = 5 * kSecond;
constexpr EventTime kForgotten = 3 * kTellAgain;
constexpr std::int64_t kFuture = 1'000'000'000;       // ns that an observation may be ahead of now
constexpr std::int64_t kTransport = 5'000'000'000;    // ns that it may be under way
constexpr std::uint64_t kLargestGap = 1'000'000'000;  // more is not a loss, it is another count

}  // namespace

BusInbox::BusInbox(const Settings& settings, BusNames& names, Handlers handlers)
    : settings_(settings), names_(names), handlers_(std::move(handlers)) {}

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

BusInbox::Answer BusInbox::take(BusMember from, const BusBatch& batch, EventTime received, const Clock& clock) {
  Answer answer;
  answer.define_again = batch.define_again;
  Peer* const known = peer_of(from);
  if (known == nullptr) {
    stats_.definitions_refused += batch.records.size();
    return answer;
  }
  Peer& peer = *known;
  peer.heard = clock.now;
  if (batch.clock_uncertainty_ns != 0) peer.told_uncertainty_ns = batch.clock_uncertainty_ns;
  if (batch.clock_set != peer.clock_set) peer.clock.forget();
  peer.clock_set = batch.clock_set;
  if (batch.echoed_token != 0) {
    peer.clock.add({batch.echoed_token, batch.echoed_received_ns, batch.sent_ns, received});
  }
  peer.clock.check(batch.sent_ns, received);
  if (const auto estimate = peer.clock.estimate(clock.now)) peer.estimate = estimate;
  if (batch.stream != peer.stream) restart(peer, batch.stream);
  define(peer, batch, clock.now);
  const std::span<const BusRecord> records = std::span(batch.records).subspan(sequence(peer, batch));
  if (records.empty()) return answer;
  peer.records = clock.now;
  if (!peer.clock.is_known(clock.now)) {
    hold(peer, records, clock.now);
    return answer;
  }
  take_waiting(peer, clock);
  const bool unknown = !take_records(peer, records, clock);
  answer.behind = std::exchange(peer.behind, {});
  answer.news = std::exchange(peer.news, false);
  answer.lacks_definitions = unknown && peer.asked + kSecond <= clock.now;
  if (answer.lacks_definitions) peer.asked = clock.now;
  return answer;
}

void BusInbox::restart(Peer& peer, std::uint64_t stream) {
  give_up_waiting(peer);
  flows_ -= peer.flows.size();
  peer.flows.clear();
  peer.endpoints.clear();
  peer.stream = stream;
  peer.expected = 0;
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
    const bool local = told.view.key.source.ip.is_loopback() || told.view.key.destination.ip.is_loopback();
    if (local || (is_new && flows_ >= settings_.most_flows)) {
      ++stats_.definitions_refused;
      continue;
    }
    flows_ += is_new ? 1 : 0;
    peer.flows[told.number] = {told.view, end_of(told.sender), end_of(told.receiver)};
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

// False: a flow was not known.
bool BusInbox::take_records(Peer& peer, std::span<const BusRecord> records, const Clock& clock) {
  const auto estimate = *peer.clock.estimate(clock.now);
  if (is_too_far(estimate, clock)) {
    stats_.out_of_time += records.size();
    peer.refused = clock.now;
    return true;
  }
  handlers_.tell_uncertainty(peer.number, uncertainty_of(peer, estimate, clock));
  const std::int64_t correction = settings_.correct_clocks ? estimate.offset_ns : clock.offset_ns;
  bool all_known = true;
  for (const BusRecord& record : records) all_known = take_record(peer, record, clock, correction) && all_known;
  return all_known;
}

bool BusInbox::take_record(Peer& peer, const BusRecord& record, const Clock& clock, std::int64_t correction) {
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
  Flow& flow = known->second;
  PlacedObservation seen;
  seen.observation = observation_of(record, flow.view);
  if (!record.learned && ahead < -static_cast<std::int64_t>(kBusLate)) {
    ++stats_.late;
    seen.observation.learned = true;
  }
  seen.observation.time = static_cast<EventTime>(time);
  seen.observation.point.node = peer.number;
  names_.settle(seen, flow.sender, flow.receiver, clock.now);
  ++(seen.observation.learned ? stats_.learned : stats_.received);
  handlers_.take(seen);
  look_behind(peer, record.flow, flow, clock.now);
  return true;
}

void BusInbox::look_behind(Peer& peer, std::uint32_t number, Flow& flow, EventTime now) {
  if (now < flow.looked + kSecond) return;
  flow.looked = now;
  if (now < flow.told + kTellAgain || peer.behind.size() >= kBusMostDefinitions) return;
  if (!handlers_.is_behind(flow.view.key, peer.number)) return;
  peer.news = peer.news || flow.told + kForgotten < now;
  peer.behind.push_back(number);
  flow.told = now;
}

void BusInbox::age(EventTime now) {
  std::erase_if(peers_, [&](const auto& each) {
    const Peer& peer = each.second;
    if (peer.heard + kPeerLife >= now) return false;
    flows_ -= peer.flows.size();
    waiting_ -= peer.waiting.size();
    stats_.no_clock += peer.waiting.size();
    return true;
  });
  if (now >= touched_ + kBetweenTouches) touch_names(now);
}

// A peer does not tell again what it has told of, however long it is silent about that.
void BusInbox::touch_names(EventTime now) {
  touched_ = now;
  for (const auto& [member, peer] : peers_) {
    for (const auto& [number, end] : peer.endpoints) names_.touch(end, now);
    for (const auto& [number, flow] : peer.flows) {
      names_.touch(flow.sender, now);
      names_.touch(flow.receiver, now);
    }
  }
}

}  // namespace audio_latency
