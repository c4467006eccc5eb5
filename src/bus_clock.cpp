// SPDX-License-Identifier: Apache-2.0
#include "bus_clock.hpp"

namespace audio_latency {
namespace {

constexpr std::int64_t kLongest = 10'000'000'000;  // a round trip beyond it tells nothing
constexpr std::int64_t kFarthest = 1'000'000'000'000'000'000;

bool plausible(std::int64_t time) {
  return time > 0 && time < 4 * kFarthest;  // until 2096: no sum of these overflows
}

}  // namespace

void BusClock::add(std::int64_t sent, std::int64_t there, std::int64_t back, std::int64_t received) {
  if (!plausible(sent) || !plausible(there) || !plausible(back) || !plausible(received)) return;
  const std::int64_t round_trip = (received - sent) - (back - there);
  if (back < there || round_trip < 0 || round_trip > kLongest) return;
  const std::int64_t slot = received / kSlot;
  Sample& sample = samples_[static_cast<std::size_t>(slot) % samples_.size()];
  if (sample.slot == slot && sample.round_trip >= 0 && sample.round_trip <= round_trip) return;
  sample = {slot, ((there - sent) + (back - received)) / 2, round_trip};
}

std::optional<BusClock::Estimate> BusClock::estimate() const {
  const Sample* best = nullptr;
  for (const Sample& sample : samples_) {
    if (sample.round_trip >= 0 && (best == nullptr || sample.round_trip < best->round_trip)) best = &sample;
  }
  if (best == nullptr) return std::nullopt;
  return Estimate{best->offset, static_cast<std::uint64_t>(best->round_trip / 2)};
}

}  // namespace audio_latency
