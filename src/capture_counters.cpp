// SPDX-License-Identifier: Apache-2.0
#include "capture_counters.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>

namespace audio_latency {
namespace {

// In the order of the enumerators of settings.h.
constexpr std::array kVerdicts = {"scanned",     "too_small", "port",   "not_audio", "fragment",
                                  "unsupported", "malformed", "budget", "busy",      "decoded"};
constexpr std::array kRefusals = {"silence", "few_symbols", "short_payload", "long_payload"};
constexpr std::array kLosses = {"ring_full", "payload_ring_full", "sample_budget"};
constexpr std::array kTroubles = {"flow_table_full", "flow_quota", "flow_busy", "payload_truncated", "load_failed"};
static_assert(kVerdicts.size() == AL_VERDICTS);
static_assert(kRefusals.size() == AL_REFUSALS);
static_assert(kLosses.size() == AL_LOSSES);
static_assert(kTroubles.size() == AL_TROUBLES);

constexpr std::size_t kCells = sizeof(al_counters) / sizeof(std::uint64_t);
static_assert(sizeof(al_counters) % sizeof(std::uint64_t) == 0, "64-bit counters only");

template <typename Operation>
void combine(al_counters& sum, const al_counters& other, Operation operation) {
  std::array<std::uint64_t, kCells> left{}, right{};
  std::memcpy(left.data(), &sum, sizeof sum);
  std::memcpy(right.data(), &other, sizeof other);
  std::transform(left.begin(), left.end(), right.begin(), left.begin(), operation);
  std::memcpy(&sum, left.data(), sizeof sum);
}

}  // namespace

const char* al_verdict_name(al_verdict verdict) {
  return kVerdicts.at(verdict);
}
const char* al_refusal_name(al_refusal refusal) {
  return kRefusals.at(refusal);
}
const char* al_loss_name(al_loss loss) {
  return kLosses.at(loss);
}
const char* al_trouble_name(al_trouble trouble) {
  return kTroubles.at(trouble);
}

void add(al_counters& sum, const al_counters& more) {
  combine(sum, more, std::plus<>{});
}

void subtract(al_counters& sum, const al_counters& less) {
  combine(sum, less, std::minus<>{});
}

}  // namespace audio_latency
