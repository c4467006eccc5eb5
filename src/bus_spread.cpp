// SPDX-License-Identifier: Apache-2.0
#include "bus_spread.hpp"

#include <algorithm>

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;
constexpr EventTime kMeasured = 2 * kSecond;
constexpr EventTime kNewcomer = 5 * kSecond;  // takes over what the others go by
constexpr EventTime kUnneeded = 60 * kSecond;
constexpr std::uint64_t kEase = BusSpread::kLoad * 7 / 10;  // of each of the owners that would be left

}  // namespace

std::size_t BusSpread::decide(const BusOwners& members, EventTime now) {
  if (started_ == 0) started_ = measured_ = needed_ = now;
  measure(now);
  const BusOwners::Member* const leader = members.lowest_other();
  const bool leads = leader == nullptr || members.self() < leader->id;
  if (!leads) {
    if (leader->owners != 0) owners_ = std::clamp<std::size_t>(leader->owners, 1, kMost);
    needed_ = now;
  } else if (fixed_ != 0) {
    owners_ = fixed_;
  } else {
    lead(members, now);
  }
  return owners_;
}

void BusSpread::measure(EventTime now) {
  if (now < measured_ + kMeasured) return;
  const double seconds = static_cast<double>(now - measured_) * 1e-9;
  load_ = static_cast<std::uint32_t>(std::min(static_cast<double>(counted_) / seconds, 4e9));
  counted_ = 0;
  measured_ = now;
}

void BusSpread::lead(const BusOwners& members, EventTime now) {
  std::uint64_t load = load_;
  for (const BusOwners::Member& member : members.others()) {
    load += member.load;
    if (now < started_ + kNewcomer) owners_ = std::max(owners_, std::min<std::size_t>(member.owners, kMost));
  }
  const std::uint64_t wanted = std::clamp<std::uint64_t>((load + kLoad - 1) / kLoad, kFewest, kMost);
  if (wanted > owners_) owners_ = wanted;
  if (load > kEase * (owners_ - 1)) needed_ = now;
  if (needed_ + kUnneeded < now) {
    owners_ = std::max<std::size_t>(wanted, kFewest);
    needed_ = now;
  }
}

}  // namespace audio_latency
