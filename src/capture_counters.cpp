// SPDX-License-Identifier: Apache-2.0
#include "capture_counters.hpp"

#include <array>

namespace audio_latency {
namespace {

// In the order of the enumerators of settings.h.
constexpr std::array kVerdicts = {"scanned",     "too_small", "port",   "fragment",
                                  "unsupported", "malformed", "budget", "busy"};
constexpr std::array kRefusals = {"silence", "few_symbols"};
constexpr std::array kLosses = {"ring_full"};
constexpr std::array kTroubles = {"flow_table_full", "flow_quota", "flow_busy", "payload_truncated", "load_failed"};
static_assert(kVerdicts.size() == AL_VERDICTS);
static_assert(kRefusals.size() == AL_REFUSALS);
static_assert(kLosses.size() == AL_LOSSES);
static_assert(kTroubles.size() == AL_TROUBLES);

template <std::size_t N>
void add_each(__u64 (&sum)[N], const __u64 (&more)[N]) {
  for (std::size_t i = 0; i < N; ++i) sum[i] += more[i];
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
  add_each(sum.packets, more.packets);
  sum.scanned_bytes += more.scanned_bytes;
  add_each(sum.refused, more.refused);
  sum.emitted += more.emitted;
  add_each(sum.lost, more.lost);
  add_each(sum.trouble, more.trouble);
}

}  // namespace audio_latency
