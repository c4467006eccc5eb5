// SPDX-License-Identifier: Apache-2.0
// Whose clock is known, how well, and what waits until it is.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "bus_inbox.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kPatience = 3 * kSecond / 2;  // with a clock that can't be measured: less than kBusLate
constexpr std::size_t kMostWaiting = 262'144;     // observations: most of a second of a busy cluster
constexpr EventTime kRefusedShown = 10 * kSecond;
constexpr std::uint64_t kFarthest = kSecond / 2;  // a clock that is off by more is wrong, and not just uncertain

std::uint64_t distance(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>(std::llabs(a - b));
}

}  // namespace

void BusInbox::hold(Peer& peer, std::span<const BusRecord> records, EventTime now) {
  if (waiting_ + records.size() > kMostWaiting) {
    stats_.no_clock += records.size();
    return;
  }
  if (peer.waiting.empty()) peer.waiting_since = now;
  peer.waiting.insert(peer.waiting.end(), records.begin(), records.end());
  waiting_ += records.size();
}

void BusInbox::give_up_waiting(Peer& peer) {
  stats_.no_clock += peer.waiting.size();
  waiting_ -= peer.waiting.size();
  peer.waiting.clear();
}

void BusInbox::take_waiting(Peer& peer, const Clock& clock) {
  if (peer.waiting.empty()) return;
  waiting_ -= peer.waiting.size();
  take_records(peer, std::exchange(peer.waiting, {}), clock);
}

void BusInbox::release(const Clock& clock) {
  if (waiting_ == 0) return;
  for (auto& [member, peer] : peers_) {
    if (peer.clock.is_known(clock.now)) {
      take_waiting(peer, clock);
    } else if (peer.waiting_since + kPatience < clock.now) {
      give_up_waiting(peer);
    }
  }
}

// Without correction a latency between such clocks would be as wrong as they are.
bool BusInbox::is_too_far(const BusClock::Estimate& estimate, const Clock& clock) const {
  return !settings_.correct_clocks &&
         distance(estimate.offset_ns, clock.offset_ns) > kFarthest + estimate.uncertainty_ns;
}

// What was measured bounds the error, whatever a node believes of its clock; what both believe counts where it is less
// and does not contradict that.
std::uint64_t BusInbox::uncertainty_of(const Peer& peer, const BusClock::Estimate& estimate, const Clock& clock) const {
  if (settings_.correct_clocks) return estimate.uncertainty_ns;
  const std::uint64_t apart = distance(estimate.offset_ns, clock.offset_ns);
  const std::uint64_t believed = peer.told_uncertainty_ns + clock.uncertainty_ns;
  const std::uint64_t measured = apart + estimate.uncertainty_ns;
  return apart <= estimate.uncertainty_ns + believed ? std::min(believed, measured) : measured;
}

std::vector<BusPeerClock> BusInbox::clocks(const Clock& clock) const {
  std::vector<BusPeerClock> clocks;
  for (const auto& [member, peer] : peers_) {
    BusPeerClock shown{member, peer.number, peer.node};
    if (peer.estimate) {
      shown.measured = true;
      shown.offset_ns = peer.estimate->offset_ns - clock.offset_ns;
      shown.uncertainty_ns = uncertainty_of(peer, *peer.estimate, clock);
      shown.refused =
          peer.refused != 0 && peer.refused + kRefusedShown > clock.now && is_too_far(*peer.estimate, clock);
    }
    clocks.push_back(std::move(shown));
  }
  return clocks;
}

}  // namespace audio_latency
