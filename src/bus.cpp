// SPDX-License-Identifier: Apache-2.0
#include "bus.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace audio_latency {
namespace {

constexpr EventTime kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kStep = 10 * kMillisecond;  // between looks at what is due
constexpr std::size_t kMostHistory = 131'072;   // observations

BusInbox::Settings inbox_settings(const BusSettings& settings) {
  return {settings.correct_clocks, settings.maximum_latency, settings.most_flows * 8};
}

std::string refused_sentence(const BusPeerClock& clock) {
  return "Observations of node " + clock.node + " are refused, since its clock is " +
         std::to_string(clock.offset_ns / 1'000'000) +
         " ms from this node's: synchronise the clocks, or set CLOCK_CORRECTION=on.";
}

}  // namespace

Bus::Bus(const BusSettings& settings, BusTransport& transport, BusNames& names, Matching matching, Report report)
    : settings_(settings),
      transport_(transport),
      names_(names),
      matching_(std::move(matching)),
      report_(std::move(report)),
      owners_(settings.self, settings.owners == 0 ? BusSpread::kFewest : settings.owners),
      spread_(settings.owners),
      flows_(names, settings.node, settings.most_flows * 2,
             std::max(settings.flow_timeout, settings.maximum_latency + 2 * kSecond)),
      outbox_(transport, flows_, settings.node, settings.settle),
      inbox_(inbox_settings(settings), names,
             {[this](const PlacedObservation& seen) { take(seen); }, matching_.set_clock_uncertainty,
              matching_.is_behind}) {}

Bus::~Bus() {
  if (up_) transport_.announce({settings_.node, true});
}

void Bus::set_clock(std::int64_t offset_ns, std::uint64_t uncertainty_ns) {
  const std::int64_t step = offset_ns - offset_ns_;
  if (std::exchange(has_clock_, true) && std::abs(step) >= kClockStep) {
    report_(LogLevel::warn, "clock_stepped",
            "This node's time of day was set by " + std::to_string(step / 1'000'000) +
                " ms: latencies to and from other nodes are uncertain until it is measured anew.");
  }
  offset_ns_ = offset_ns;
  uncertainty_ns_ = uncertainty_ns;
  outbox_.set_clock(offset_ns, uncertainty_ns);
  report_clocks();
}

// Once when a node's clock becomes too wrong, and once when it is right again.
void Bus::report_clocks() {
  std::set<BusMember> refused;
  for (const BusPeerClock& clock : clocks()) {
    if (clock.refused) refused.insert(clock.member);
    if (clock.refused == refused_clocks_.contains(clock.member)) continue;
    if (clock.refused)
      report_(LogLevel::warn, "clock_refused", refused_sentence(clock));
    else
      report_(LogLevel::info, "clock_accepted", "Observations of node " + clock.node + " are taken again.");
  }
  refused_clocks_ = std::move(refused);
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
  // As other nodes will see it whose sightings of the same packet meet this one.
  seen.observation.packet = packet_identity(observation.packet.kind, record.packet, record.ip_id);
  keep(record);
  const BusMember owner = owners_.owner(observation.signature);
  bool here = owner == owners_.self();
  if (here) {
    ++local_;
    spread_.count();
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
  if (here) settle(seen, flow);
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

// What this node matches of its own: who is who, and whether it is the one to record it.
void Bus::settle(PlacedObservation& own, std::uint32_t flow) {
  names_.settle(own, names_.own_end(own.sender, settings_.node), names_.own_end(own.receiver, settings_.node), now_);
  own.observation.behind = hearing() != Hearing::all && flows_.is_behind(flow, heard_);
}

void Bus::step(EventTime now) {
  now_ = std::max(now_, now);
  if (hearing() == Hearing::all) heard_ = now_;
  receive();
  if (now_ < flushed_ + kStep) return;
  flushed_ = now_;
  watch_connection();
  expire();
  beat();
  inbox_.release(clock());
  measure_clocks();
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
      on_batch(from, std::get<BusBatch>(arrival.message.content), arrival.received);
    }
  }
}

void Bus::on_batch(BusMember from, const BusBatch& batch, EventTime received) {
  for (const std::uint32_t flow : batch.behind) behind_ += flows_.set_behind(flow, now_) ? 1 : 0;
  if (batch.token != 0) outbox_.answer(from, batch.token, received, batch.hurry);
  const auto answer = inbox_.take(from, batch, received, clock());
  if (answer.define_again) outbox_.define_again(from);
  if (answer.lacks_definitions) outbox_.ask_for_definitions(from);
  outbox_.tell_behind(from, answer.behind, answer.news, now_);
}

void Bus::take(const PlacedObservation& seen) {
  if (!seen.observation.learned && !owners_.owns(seen.observation.signature)) inbox_.count_misrouted();
  if (!seen.observation.learned) spread_.count();
  matching_.observe(seen);
}

// Before a sender's observations are matched, and from then on as long as it sends some.
void Bus::measure_clocks() {
  inbox_.each_to_measure(now_, [this](BusMember from, BusPace pace) { outbox_.measure(from, pace, now_); });
}

std::string Bus::not_ready_reason() const {
  if (!transport_.connected()) return transport_.problem() + " This node measures by itself.";
  if (!up_) {
    return "The bus takes messages but brings none back: does the account of this node allow to subscribe to what it "
           "publishes? This node measures by itself.";
  }
  for (const BusPeerClock& clock : clocks()) {
    if (!clock.refused) continue;
    return refused_sentence(clock);
  }
  return {};
}

Hearing Bus::hearing() const {
  if (!up_) return Hearing::nobody;
  return reunited_ != 0 && now_ < reunited_ + kReunited ? Hearing::again : Hearing::all;
}

BusStats Bus::stats() const {
  BusStats stats;
  stats.local = local_;
  stats.home = home_;
  stats.late = late_;
  stats.relearned = relearned_;
  stats.behind = behind_;
  stats.members = owners_.others().size() + 1;
  stats.owners = owners_.owners().size();
  stats.owns = owners_.is_owner();
  stats.connected = up_;
  stats.out = outbox_.stats();
  stats.in = inbox_.stats();
  stats.transport = transport_.stats();
  return stats;
}

}  // namespace audio_latency
