// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "audio_latency/match.hpp"
#include "identity_label.hpp"
#include "wall_clock.hpp"

namespace audio_latency {

// A match with what only the loop thread can tell about it.
struct NamedMatch {
  Match match;
  EndpointLabel source;
  EndpointLabel dest;
  std::int64_t realtime_ns = 0;
};
NamedMatch named(const Match& match, const IdentityResolver& resolver, const WallClock& clock);

// The JSON object of one recorded latency (docs/METRICS.md), on one line, without a line end.
std::string match_json(const NamedMatch& named);

// One match a line.
class JsonLines : public MatchSink {
 public:
  JsonLines(std::ostream& out, const IdentityResolver& resolver, const WallClock& clock)
      : out_(out), resolver_(resolver), clock_(clock) {}
  void on_match(const Match& match) override;

 private:
  std::ostream& out_;
  const IdentityResolver& resolver_;
  const WallClock& clock_;
};

std::string hex16(std::uint64_t value);  // 16 lower-case hex digits

}  // namespace audio_latency
