// SPDX-License-Identifier: Apache-2.0
#include "flow_relief.hpp"

#include <algorithm>
#include <unordered_map>

namespace audio_latency {

bool holds_sound(const al_treatment& treatment) {
  const bool decoded = treatment.handling == AL_DECODE && treatment.codec != AL_CODEC_UNKNOWN;
  return treatment.handling == AL_SCAN || decoded;
}

std::vector<DispensableFlow> relieve(std::vector<DispensableFlow> flows, std::size_t total, std::uint32_t maximum) {
  const std::size_t room = maximum / 2;
  const std::uint32_t share = half_of_share(maximum);
  std::unordered_map<const std::uint32_t*, std::uint32_t> taken;  // of each sender
  const auto over_share = [&](const DispensableFlow& flow) {
    return flow.held != nullptr && *flow.held > share && *flow.held - taken[flow.held] > share;
  };
  if (total <= room && std::none_of(flows.begin(), flows.end(), over_share)) return {};
  std::sort(flows.begin(), flows.end(),
            [](const DispensableFlow& a, const DispensableFlow& b) { return a.last_seen < b.last_seen; });
  std::vector<DispensableFlow> gone;
  for (const DispensableFlow& flow : flows) {
    if (total <= room && !over_share(flow)) continue;
    --total;
    ++taken[flow.held];
    gone.push_back(flow);
  }
  return gone;
}

}  // namespace audio_latency
