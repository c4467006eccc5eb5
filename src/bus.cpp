// SPDX-License-Identifier: Apache-2.0
#include "bus.hpp"

#include <algorithm>
#include <utility>

namespace audio_latency {
namespace {

constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kStep = 10 * kMillisecond;  // between looks at what is due
constexpr EventTime kBetweenReplies = 200 * kMillisecond;
constexpr EventTime kSilence = 3 * kSecond;    // a bus that does not bring back its probe is gone
constexpr std::size_t kMostHistory = 131'072;  // observations

BusInbox::Settings inbox_settings(const BusSettings& settings) {
  return {settings.correct_clocks, settings.maximum_latency, settings.most_flows * 8};
}

}  // namespace

Bus::Bus(const BusSettings& settings, BusTransport& transport, BusNames& names, Here here, Report report)
    : settings_(settings),
      transport_(transport),
      names_(names),
      here_(std::move(here)),
      report_(std::move(report)),
      owners_(settings.self, settings.most_owners),
      flows_(names, settings.node, settings.most_flows,
             std::max(settings.flow_timeout, settings.maximum_latency + 2 * kSecond)),
      outbox_(transport, flows_, settings.node),
      inbox_(inbox_settings(settings), names) {}

Bus::~Bus() {
  if (up_) transport_.announce({settings_.node, true});
}

void Bus::set_clock(std::int64_t offset_ns, std::uint64_t uncertainty_ns) {
  offset_ns_ = offset_ns;
  uncertainty_ns_ = uncertainty_ns;
  outbox_.set_clock(offset_ns, uncertainty_ns);
}

bool Bus::route(PlacedObservation& seen) {
  const Observation& observation = seen.observation;
  const bool loopback = observation.flow.source.ip.is_loopback() || observation.flow.destination.ip.is_loopback();
  const std::uint32_t flow = loopback ? 0 : flows_.number_of(seen);
  if (flow == 0) {
    ++home_;
    return true;
  }
  if (now_ > observation.time + kBusLate) {  // this process stood still
    ++late_;
    seen.observation.learned = true;
  }
  BusRecord record = flows_.record_of(observation, flow);
  keep(record);
  const BusMember owner = owners_.owner(observation.signature);
  bool here = owner == owners_.self();
  if (here) {
    ++local_;
  } else {
    outbox_.add(owner, record, now_);
  }
  if (changed_ != 0 && now_ < changed_ + settings_.maximum_latency) {
    // Other nodes may notice the change later: what they still send to the owner before must find this there.
    const BusMember before = owners_.previous_owner(observation.signature);
    if (before != owner) {
      record.learned = true;
      if (before != owners_.self()) {
        if (owners_.is_heard(before)) outbox_.add(before, record, now_);
      } else {
        seen.observation.learned = true;
        here = true;
      }
    }
  }
  if (here) name(seen);
  return here;
}

void Bus::keep(const BusRecord& record) {
  history_.push_back(record);
  const auto oldest = static_cast<std::int64_t>(now_ - std::min(now_, settings_.maximum_latency));
  while (history_.size() > kMostHistory || history_.front().time_ns < oldest) {
    history_.pop_front();
    if (history_.empty()) return;
  }
}

void Bus::name(PlacedObservation& own) {
  names_.settle(own, names_.own_end(own.sender, settings_.node), names_.own_end(own.receiver, settings_.node), now_);
}

// Whoever owns a signature from now on gets what was seen of it: a link forms at once, a repeat is known as one, and
// what the owner before has recorded is not recorded again.
void Bus::on_change() {
  changed_ = now_;
  const auto oldest = static_cast<std::int64_t>(now_ - std::min(now_, settings_.maximum_latency));
  for (BusRecord record : history_) {
    if (record.time_ns < oldest) continue;
    const BusMember owner = owners_.owner(record.signature);
    if (owner == owners_.previous_owner(record.signature)) continue;
    record.learned = true;
    ++relearned_;
    if (owner == owners_.self()) {
      PlacedObservation seen = flows_.observation_of(record);
      name(seen);
      here_(seen);
    } else {
      outbox_.add(owner, record, now_);
    }
  }
  report_(LogLevel::info, "bus_members",
          std::to_string(owners_.others().size() + 1) + " members, " + std::to_string(owners_.owners().size()) +
              " of them own signatures");
}

void Bus::step(EventTime now) {
  now_ = std::max(now_, now);
  receive();
  if (now_ < flushed_ + kStep) return;
  flushed_ = now_;
  watch_connection();
  expire();
  beat();
  outbox_.flush(now_);
  if (now_ < aged_ + kSecond) return;
  aged_ = now_;
  outbox_.age(now_);
  inbox_.age(now_);
  names_.age(now_);
}

void Bus::receive() {
  arrivals_.clear();
  transport_.receive(arrivals_);
  for (const BusArrival& arrival : arrivals_) {
    const BusMember from = arrival.message.sender;
    if (const auto* heartbeat = std::get_if<BusHeartbeat>(&arrival.message.content)) {
      on_heartbeat(from, *heartbeat);
    } else if (from != owners_.self()) {
      on_batch(from, std::get<BusBatch>(arrival.message.content), arrival.received_ns);
    }
  }
}

void Bus::on_heartbeat(BusMember from, const BusHeartbeat& heartbeat) {
  if (from == owners_.self()) {
    returned_ = now_;
    return;
  }
  if (!up_) return;  // it will be heard again
  if (heartbeat.leaving) {
    outbox_.drop(from, now_);
    if (owners_.left(from)) on_change();
    return;
  }
  const std::size_t before = owners_.others().size();
  const bool changed = owners_.heard(from, heartbeat.node, now_);
  reply_ = reply_ || owners_.others().size() != before;
  if (changed) on_change();
}

void Bus::on_batch(BusMember from, const BusBatch& batch, std::int64_t received_ns) {
  outbox_.echo(from, batch.sent_ns, received_ns);
  const BusInbox::Clock clock{now_, offset_ns_, uncertainty_ns_};
  const auto answer = inbox_.take(from, batch, received_ns, clock, [this](const PlacedObservation& seen) {
    if (!seen.observation.learned && !owners_.owns(seen.observation.signature)) inbox_.count_misrouted();
    here_(seen);
  });
  if (answer.define_again) outbox_.define_again(from);
  if (answer.lacks_definitions) outbox_.ask_for_definitions(from);
}

void Bus::watch_connection() {
  const bool connected = transport_.connected();
  const bool delivers = connected && now_ <= returned_ + kSilence;
  if (delivers == up_) return;
  up_ = delivers;
  if (up_) {
    report_(LogLevel::info, "bus_connected", "connected: signatures meet on the bus");
    beaten_ = 0;
    connected_ = now_;
    return;
  }
  report_(LogLevel::warn, "bus_disconnected", not_ready_reason());
  for (const auto& member : owners_.others()) outbox_.drop(member.id, now_);
  if (owners_.forget_all()) on_change();
}

void Bus::beat() {
  const EventTime since = now_ - std::min(now_, beaten_);
  if (since < (reply_ ? kBetweenReplies : BusOwners::kHeartbeat) || !transport_.connected()) return;
  beaten_ = now_;
  reply_ = false;
  transport_.probe();
  if (up_ && owners_.candidate()) transport_.announce({settings_.node, false});
}

void Bus::expire() {
  std::vector<BusMember> before;
  for (const auto& member : owners_.others()) before.push_back(member.id);
  const bool changed = owners_.expire(now_);
  if (before.size() == owners_.others().size()) return;
  for (const BusMember id : before) {
    if (!owners_.is_heard(id)) outbox_.drop(id, now_);
  }
  if (changed) on_change();
}

std::string Bus::not_ready_reason() const {
  if (!transport_.connected()) return transport_.problem() + " This node measures by itself.";
  if (!up_) {
    return "The bus takes messages but brings none back: does the account of this node allow to subscribe to what it "
           "publishes? This node measures by itself.";
  }
  for (const BusPeerClock& clock : inbox_.clocks(now_)) {
    if (!clock.refused) continue;
    return "Observations of node " + clock.node + " are refused, since its clock is " +
           std::to_string(clock.offset_ns / 1'000'000) +
           " ms from this node's: synchronise the clocks, or set CLOCK_CORRECTION=on.";
  }
  return {};
}

BusStats Bus::stats() const {
  BusStats stats;
  stats.local = local_;
  stats.home = home_;
  stats.late = late_;
  stats.relearned = relearned_;
  stats.members = owners_.others().size() + 1;
  stats.owners = owners_.owners().size();
  stats.connected = up_;
  stats.out = outbox_.stats();
  stats.in = inbox_.stats();
  stats.transport = transport_.stats();
  return stats;
}

}  // namespace audio_latency
