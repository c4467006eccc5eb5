// SPDX-License-Identifier: Apache-2.0
#include "bus_outbox.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <utility>

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kBetweenMeasurements = 2 * kSecond;
constexpr EventTime kUnasked = 5 * kSecond / 2;  // where no batch has asked by the way
constexpr EventTime kSoon = kSecond / 2;
constexpr EventTime kHurry = kSecond / 20;
constexpr EventTime kAnswer = kSecond / 2;  // leaves by itself after so long
constexpr EventTime kNews = kSecond / 2;    // and so
constexpr std::int64_t kSet = 200'000;      // ns from one second to the next: more than a clock is slewed as a rule
constexpr std::size_t kMostPeers = 8192;
constexpr EventTime kPeerLife = 60 * kSecond;

}  // namespace

BusOutbox::BusOutbox(BusTransport& transport, const BusFlows& flows, std::string node, EventTime settle)
    : transport_(transport), flows_(flows), node_(std::move(node)), settle_(settle) {}

void BusOutbox::set_clock(std::int64_t offset_ns, std::uint64_t uncertainty_ns) {
  if (std::llabs(offset_ns - offset_ns_) > kSet) ++clock_set_;
  offset_ns_ = offset_ns;
  uncertainty_ns_ = uncertainty_ns;
}

BusOutbox::Peer* BusOutbox::peer_of(BusMember member) {
  const auto known = peers_.find(member);
  if (known != peers_.end()) return &known->second;
  if (peers_.size() >= kMostPeers) return nullptr;
  Peer& peer = peers_[member];
  peer.stream = ++streams_;
  return &peer;
}

void BusOutbox::add(BusMember to, const BusRecord& record, EventTime now) {
  Peer* const known = peer_of(to);
  if (known == nullptr) {
    ++stats_.queue_full;
    return;
  }
  Peer& peer = *known;
  if (peer.batch.records.empty()) {
    peer.batch.records.reserve(kBusBatchRecords);
    peer.oldest = static_cast<EventTime>(record.time_ns);
  }
  peer.used = now;
  define(peer, record.flow);
  peer.batch.records.push_back(record);
  if (!record.learned) {
    count_second(peer, now);
    ++peer.seconds[peer.second % peer.seconds.size()];
  }
  if (peer.batch.records.size() >= kBusBatchRecords) send(to, peer, now);
}

void BusOutbox::define(Peer& peer, std::uint32_t number) {
  if (number >= peer.known_flows.size()) peer.known_flows.resize(number + 64);
  const BusFlows::Flow& flow = flows_[number];
  if (peer.known_flows[number] == flow.version) return;
  peer.known_flows[number] = flow.version;
  define_endpoint(peer, flow.sender_number);
  define_endpoint(peer, flow.receiver_number);
  peer.batch.flows.push_back({number, flow.view, flow.sender_number, flow.receiver_number});
}

void BusOutbox::define_endpoint(Peer& peer, std::uint32_t number) {
  if (number == 0) return;
  if (number >= peer.known_endpoints.size()) peer.known_endpoints.resize(number + 64);
  const BusFlows::Named& endpoint = flows_.endpoint(number);
  if (peer.known_endpoints[number] == endpoint.version) return;
  peer.known_endpoints[number] = endpoint.version;
  peer.batch.endpoints.push_back(endpoint.told);
}

void BusOutbox::count_second(Peer& peer, EventTime now) {
  const EventTime second = now / kSecond;
  if (second == peer.second) return;
  const EventTime passed = second - std::min(peer.second, second);
  for (EventTime i = 1; i <= std::min<EventTime>(passed, peer.seconds.size()); ++i) {
    peer.seconds[(peer.second + i) % peer.seconds.size()] = 0;
  }
  peer.second = second;
}

EventTime BusOutbox::long_delay(EventTime now) const {
  const auto used =
      std::count_if(peers_.begin(), peers_.end(), [&](const auto& each) { return each.second.used + kSecond > now; });
  return std::max(settle_ / 3 * std::clamp<EventTime>(static_cast<EventTime>(used), 1, 2), kDelay);
}

void BusOutbox::flush(EventTime now) {
  const EventTime longest = long_delay(now);
  for (auto& [to, peer] : peers_) {
    const std::size_t waiting = peer.batch.records.size();
    const bool due = waiting > 0 && peer.oldest + (waiting < kEnough ? longest : kDelay) <= now;
    const bool overdue = peer.batch.echoed_token != 0 && peer.answered + kAnswer <= now;
    const bool news = peer.news != 0 && peer.news + kNews <= now;
    if (due || overdue || news || peer.wanted) send(to, peer, now);
  }
}

void BusOutbox::send(BusMember to, Peer& peer, EventTime now) {
  BusBatch batch = std::exchange(peer.batch, {});
  peer.wanted = false;
  peer.news = 0;
  peer.sent = now;
  const std::size_t count = batch.records.size();
  std::size_t learned = 0;
  for (BusRecord& record : batch.records) {
    learned += record.learned ? 1 : 0;
    record.time_ns += offset_ns_;
  }
  if (!peer.introduced) batch.node = node_;
  // Of one batch all times of day are by one offset, whatever is set meanwhile.
  batch.sent_ns = offset_ns_;
  batch.clock_set = clock_set_;
  if (batch.echoed_token != 0) batch.echoed_received_ns = static_cast<std::int64_t>(peer.answered) + offset_ns_;
  const bool of_interest = peer.measured != 0 && peer.measured + kSecond > now;
  if (of_interest && count > 0 && peer.asked + kBetweenMeasurements <= now) batch.token = 1;
  if (batch.token != 0) peer.asked = now;
  if (batch.token != 0 || !peer.introduced) batch.clock_uncertainty_ns = uncertainty_ns_;
  batch.stream = peer.stream;
  batch.first = peer.next;
  const std::size_t told = batch.behind.size();
  if (!transport_.send(to, std::move(batch))) {
    stats_.queue_full += count;
    define_again(to);  // the definitions went with it
    return;
  }
  peer.introduced = true;
  peer.next += count;
  stats_.learned += learned;
  stats_.sent += count - learned;
  stats_.told_behind += told;
}

void BusOutbox::answer(BusMember to, std::uint64_t token, EventTime received, bool hurry) {
  Peer* const peer = peer_of(to);
  if (peer == nullptr) return;
  peer->batch.echoed_token = token;
  peer->answered = received;
  peer->wanted = peer->wanted || hurry;
}

void BusOutbox::measure(BusMember to, BusPace pace, EventTime now) {
  Peer* const peer = peer_of(to);
  const EventTime wait = pace == BusPace::at_once ? kHurry : pace == BusPace::soon ? kSoon : kUnasked;
  if (peer == nullptr) return;
  peer->measured = now;
  if (peer->asked + wait > now) return;
  peer->batch.token = 1;
  peer->batch.hurry = pace == BusPace::at_once;  // else the answer comes with observations: what it says is as good
  peer->wanted = true;
}

void BusOutbox::tell_behind(BusMember to, const std::vector<std::uint32_t>& flows, bool news, EventTime now) {
  Peer* const peer = flows.empty() ? nullptr : peer_of(to);
  if (peer == nullptr) return;
  auto& told = peer->batch.behind;
  const std::size_t room = kBusMostDefinitions - std::min(told.size(), kBusMostDefinitions);
  told.insert(told.end(), flows.begin(), flows.begin() + static_cast<std::ptrdiff_t>(std::min(flows.size(), room)));
  if (news && peer->news == 0) peer->news = now;
}

void BusOutbox::ask_for_definitions(BusMember to) {
  Peer* const peer = peer_of(to);
  if (peer == nullptr) return;
  peer->batch.define_again = true;
  peer->wanted = true;
}

void BusOutbox::define_again(BusMember to) {
  const auto known = peers_.find(to);
  if (known == peers_.end()) return;
  Peer& peer = known->second;
  peer.known_flows.clear();
  peer.known_endpoints.clear();
  peer.batch.flows.clear();
  peer.batch.endpoints.clear();
  peer.introduced = false;
  for (const BusRecord& record : peer.batch.records) define(peer, record.flow);
}

void BusOutbox::drop(BusMember gone, EventTime now) {
  const auto known = peers_.find(gone);
  if (known == peers_.end()) return;
  Peer& peer = known->second;
  count_second(peer, now);
  // What is waiting still is counted in its second too.
  stats_.owner_gone += std::accumulate(peer.seconds.begin(), peer.seconds.end(), std::uint64_t{0});
  peers_.erase(known);
}

void BusOutbox::age(EventTime now) {
  std::erase_if(peers_, [&](const auto& each) {
    return each.second.batch.records.empty() && each.second.sent + kPeerLife < now;
  });
}

}  // namespace audio_latency
