// SPDX-License-Identifier: Apache-2.0
#include "matcher_coverage.hpp"

#include <utility>

namespace audio_latency::matching {
namespace {

constexpr EventTime kSecond = 1'000'000'000;

// The bit of a second, moving the 64 s on where it is a new one; 0: longer ago.
std::uint64_t bit_of(SoundSeconds& seconds, EventTime time) {
  const std::uint64_t second = time / kSecond;
  if (second > seconds.newest) {
    const std::uint64_t passed = second - seconds.newest;
    seconds.heard = passed < 64 ? seconds.heard << passed : 0;
    seconds.measured = passed < 64 ? seconds.measured << passed : 0;
    seconds.newest = second;
  }
  const std::uint64_t age = seconds.newest - second;
  return age < 64 ? 1ULL << age : 0;
}

}  // namespace

std::uint32_t Coverage::account(const FlowRecord& origin) {
  const bool named = origin.sender.endpoint != 0;
  const bool full = accounts_of_[named] >= maximum_;
  const EndpointId endpoint = full ? 0 : origin.sender.endpoint;
  const SocketAddress source = full || endpoint != 0 ? SocketAddress{} : origin.key.source;
  const auto [at, added] = index_.try_emplace({source, endpoint}, static_cast<std::uint32_t>(accounts_.size()));
  if (added) {
    CoverageView view;
    view.source = full ? Placement{} : origin.sender;
    if (!full) view.origin = origin.key;
    accounts_.push_back(view);
    ++accounts_of_[named];
  }
  return at->second;
}

void Coverage::heard(FlowRecord& origin, EventTime time) {
  const std::uint64_t bit = bit_of(origin.seconds, time);
  if ((origin.seconds.heard & bit) != 0 || bit == 0) return;
  origin.seconds.heard |= bit;
  if (origin.coverage == kNone) {
    origin.coverage = account(origin);
  } else if (origin.sender.endpoint != 0 && accounts_[origin.coverage].source.endpoint == 0 &&
             origin.unnamed_coverage == kNone) {
    origin.unnamed_coverage = std::exchange(origin.coverage, account(origin));
    origin.named_second = time / kSecond;
  }
  ++accounts_[origin.coverage].speech_seconds;
}

void Coverage::measured(FlowRecord& origin, EventTime time) {
  const std::uint64_t bit = bit_of(origin.seconds, time) & origin.seconds.heard & ~origin.seconds.measured;
  if (bit == 0) return;
  origin.seconds.measured |= bit;
  const bool unnamed = origin.unnamed_coverage != kNone && time / kSecond < origin.named_second;
  ++accounts_[unnamed ? origin.unnamed_coverage : origin.coverage].measured_seconds;
}

}  // namespace audio_latency::matching
