// SPDX-License-Identifier: Apache-2.0
#include "bus_clock.hpp"

#include <algorithm>
#include <cstdlib>

namespace audio_latency {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr std::int64_t kLongest = 10'000'000'000;            // a round trip beyond it tells nothing
constexpr std::int64_t kLatest = 4'000'000'000'000'000'000;  // 2096: no sum of two times overflows
constexpr std::uint64_t kDriftShift = 14;  // 2^-14, 61 ppm: what two clocks that nobody disciplines drift apart
constexpr std::int64_t kSlack = 50'000;    // ns: each node maps event time to time of day once a second only
constexpr std::int64_t kUsual = 250 * kMillisecond;  // a message that takes longer is checked by an exchange

// Known at once where an exchange was this short, else after so many, or so long.
constexpr std::uint64_t kGood = kMillisecond / 2;
constexpr std::uint32_t kEnough = 8;
constexpr EventTime kLongEnough = kSecond;
constexpr std::uint64_t kUseless = 250 * kMillisecond;
constexpr EventTime kStale = 20 * kSecond;

bool is_plausible(std::int64_t time) {
  return time > 0 && time < kLatest;
}

bool is_plausible(EventTime time) {
  return time < static_cast<EventTime>(kLatest);
}

}  // namespace

std::uint64_t BusClock::uncertainty(const Sample& sample, EventTime now) {
  const EventTime age = now - std::min(now, sample.received);
  return static_cast<std::uint64_t>(sample.round_trip / 2) + (age >> kDriftShift);
}

void BusClock::forget() {
  samples_ = {};
  exchanges_ = 0;
}

void BusClock::add(const Exchange& exchange) {
  const auto& [sent, there, back, received] = exchange;
  if (!is_plausible(there) || !is_plausible(back) || !is_plausible(received) || sent > received) return;
  const auto away = static_cast<std::int64_t>(received - sent);
  const std::int64_t round_trip = away - (back - there);
  if (back < there || round_trip < 0 || round_trip > kLongest) return;
  const std::int64_t offset =
      (there - static_cast<std::int64_t>(sent) + back - static_cast<std::int64_t>(received)) / 2;
  if (const auto known = estimate(received)) {
    const auto may_differ = static_cast<std::int64_t>(known->uncertainty_ns) + round_trip / 2 + kSlack;
    if (std::llabs(offset - known->offset_ns) > may_differ) forget();
  }
  if (exchanges_++ == 0) first_ = received;
  last_ = received;
  Sample& sample = samples_[received / kSlot % samples_.size()];
  if (sample.round_trip >= 0 && sample.received / kSlot == received / kSlot && sample.round_trip <= round_trip) return;
  sample = {received, offset, round_trip};
}

bool BusClock::check(std::int64_t left, EventTime received) {
  const auto known = estimate(received);
  if (!known || !is_plausible(left)) return !known;
  const std::int64_t under_way = static_cast<std::int64_t>(received) - (left - known->offset_ns);
  const auto uncertainty = static_cast<std::int64_t>(known->uncertainty_ns) + kSlack;
  const bool fits = under_way >= -uncertainty && under_way <= kUsual + uncertainty;
  if (!fits) forget();
  return fits;
}

std::optional<BusClock::Estimate> BusClock::estimate(EventTime now) const {
  const Sample* best = nullptr;
  for (const Sample& sample : samples_) {
    if (sample.round_trip < 0) continue;
    if (best == nullptr || uncertainty(sample, now) < uncertainty(*best, now)) best = &sample;
  }
  if (best == nullptr) return std::nullopt;
  return Estimate{best->offset, uncertainty(*best, now)};
}

bool BusClock::is_known(EventTime now) const {
  const auto best = estimate(now);
  if (!best || best->uncertainty_ns > kUseless || last_ + kStale < now) return false;
  return best->uncertainty_ns <= kGood || exchanges_ >= kEnough || now >= first_ + kLongEnough;
}

}  // namespace audio_latency
