// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "format_table.hpp"
#include "identity_label.hpp"
#include "matcher.hpp"
#include "wall_clock.hpp"

namespace audio_latency {

// A flow with what only the loop thread can tell about it.
struct NamedFlow {
  FlowView view;
  std::string interface;
  EndpointLabel source;
  EndpointLabel dest;
  std::vector<std::string> partners;  // "addr:port > addr:port" of flows that carry the same sound
  std::int64_t first_seen_ns = 0;     // realtime
  std::int64_t last_seen_ns = 0;
};

// The busiest first. `links`: the formed ones.
std::vector<NamedFlow> named_flows(std::vector<FlowView> views, const std::vector<LinkView>& links,
                                   const IdentityResolver& resolver, const WallClock& clock);

// The JSON object of one flow (docs/METRICS.md), on one line, without a line end.
std::string flow_json(const NamedFlow& named);

const char* to_string(al_handling handling);  // "sampled", "scanned", "decoded", "ignored"
const char* to_string(al_codec codec);        // "pcmu", …, "unknown"

}  // namespace audio_latency
