// SPDX-License-Identifier: Apache-2.0
#include "bus_clock.hpp"

#include <algorithm>
#include <limits>

namespace audio_latency {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr std::int64_t kLongest = 10'000'000'000;            // a round trip beyond it tells nothing
constexpr std::int64_t kLatest = 4'000'000'000'000'000'000;  // 2096: no sum of two times overflows
constexpr EventTime kDriftShift = 14;      // 2^-14, 61 ppm: what two clocks that nobody disciplines drift apart
constexpr std::int64_t kSlack = 50'000;    // ns that bounds may cross: event time is mapped once a second
constexpr std::uint64_t kJitter = 10'000;  // ns
constexpr std::int64_t kUsual = 250 * kMillisecond;  // a message that takes longer is checked by an exchange

constexpr std::uint64_t kGood = kMillisecond / 2;
constexpr EventTime kLongEnough = kSecond;  // to look for a better estimate
constexpr std::uint64_t kUseless = 250 * kMillisecond;
constexpr EventTime kStale = 20 * kSecond;

bool is_plausible(std::int64_t time) {
  return time > 0 && time < kLatest;
}

bool is_plausible(EventTime time) {
  return time < static_cast<EventTime>(kLatest);
}

std::int64_t drift(EventTime since, EventTime now) {
  return static_cast<std::int64_t>((now - std::min(now, since)) >> kDriftShift);
}

}  // namespace

BusClock::Slot& BusClock::slot_at(EventTime time) {
  Slot& slot = slots_[time / kSlot % slots_.size()];
  if (slot.number != time / kSlot) slot = {time / kSlot, {}, {}};
  return slot;
}

void BusClock::add_lower(std::int64_t offset, EventTime at) {
  Bound& bound = slot_at(at).lower;
  if (bound.at == 0 || offset > bound.offset) bound = {offset, at};
}

void BusClock::add_upper(std::int64_t offset, EventTime at) {
  Bound& bound = slot_at(at).upper;
  if (bound.at == 0 || offset < bound.offset) bound = {offset, at};
}

void BusClock::forget() {
  slots_ = {};
  first_ = 0;
}

void BusClock::add(const Exchange& exchange) {
  const auto& [sent, there, back, received] = exchange;
  if (!is_plausible(there) || !is_plausible(back) || !is_plausible(received) || sent > received) return;
  const std::int64_t round_trip = static_cast<std::int64_t>(received - sent) - (back - there);
  if (back < there || round_trip < 0 || round_trip > kLongest) return;
  const std::int64_t upper = there - static_cast<std::int64_t>(sent);
  const std::int64_t lower = back - static_cast<std::int64_t>(received);
  if (const auto known = estimate(received)) {
    const std::int64_t reach = static_cast<std::int64_t>(known->uncertainty_ns) + kSlack;
    if (lower > known->offset_ns + reach || upper < known->offset_ns - reach) forget();
  }
  add_lower(lower, received);
  add_upper(upper, received);
  if (first_ == 0) first_ = received;
  last_ = received;
}

bool BusClock::check(std::int64_t left, EventTime received) {
  const auto known = estimate(received);
  if (!known || !is_plausible(left)) return !known;
  const std::int64_t under_way = static_cast<std::int64_t>(received) - (left - known->offset_ns);
  const std::int64_t reach = static_cast<std::int64_t>(known->uncertainty_ns) + kSlack;
  if (under_way < -reach || under_way > kUsual + reach) {
    forget();
    return false;
  }
  add_lower(left - static_cast<std::int64_t>(received), received);
  return true;
}

std::optional<BusClock::Estimate> BusClock::estimate(EventTime now) const {
  std::int64_t lower = std::numeric_limits<std::int64_t>::min();
  std::int64_t upper = std::numeric_limits<std::int64_t>::max();
  bool bounded_below = false, bounded_above = false;
  for (const Slot& slot : slots_) {
    if (slot.lower.at != 0) lower = std::max(lower, slot.lower.offset - drift(slot.lower.at, now));
    if (slot.upper.at != 0) upper = std::min(upper, slot.upper.offset + drift(slot.upper.at, now));
    bounded_below = bounded_below || slot.lower.at != 0;
    bounded_above = bounded_above || slot.upper.at != 0;
  }
  if (!bounded_below || !bounded_above) return std::nullopt;
  const std::int64_t width = std::max<std::int64_t>(upper - lower, 0);
  return Estimate{lower + (upper - lower) / 2, static_cast<std::uint64_t>(width / 2) + kJitter};
}

bool BusClock::is_good(EventTime now) const {
  const auto best = estimate(now);
  return best && best->uncertainty_ns <= kGood && last_ + kStale >= now;
}

bool BusClock::is_known(EventTime now) const {
  const auto best = estimate(now);
  if (!best || best->uncertainty_ns > kUseless || last_ + kStale < now) return false;
  return best->uncertainty_ns <= kGood || now >= first_ + kLongEnough;
}

}  // namespace audio_latency
