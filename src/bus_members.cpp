// SPDX-License-Identifier: Apache-2.0
// Who comes and goes, and what that means for whom signatures belong to.
#include <algorithm>
#include <utility>

#include "bus.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kBetweenReplies = kSecond / 5;
constexpr EventTime kSpare = 3 * kSecond / 2;  // whoever owns nothing announces itself with each second beat
constexpr EventTime kSilence = 3 * kSecond;    // a bus that does not bring back its probe is gone

}  // namespace

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
  const bool changed = owners_.heard(from, heartbeat, now_);
  reply_ = reply_ || owners_.others().size() != before;
  if (changed) on_change();
}

void Bus::watch_connection() {
  const bool connected = transport_.connected();
  const bool delivers = connected && now_ <= returned_ + kSilence;
  if (delivers == up_) return;
  up_ = delivers;
  if (up_) {
    report_(LogLevel::info, "bus_connected", "connected: signatures meet on the bus");
    beaten_ = 0;
    if (heard_ != 0) reunited_ = now_;
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
  const bool replies = std::exchange(reply_, false);
  transport_.probe();
  if (owners_.spread(spread_.decide(owners_, now_))) on_change();
  if (!up_ || !owners_.candidate()) return;
  if (!owners_.is_owner() && !replies && now_ < announced_ + kSpare) return;
  announced_ = now_;
  transport_.announce({settings_.node, false, spread_.load(), static_cast<std::uint32_t>(spread_.owners())});
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
      settle(seen, record.flow);
      matching_.observe(seen);
    } else {
      outbox_.add(owner, record, now_);
    }
  }
  report_(LogLevel::info, "bus_members",
          std::to_string(owners_.others().size() + 1) + " members, " + std::to_string(owners_.owners().size()) +
              " of them own signatures");
}

}  // namespace audio_latency
