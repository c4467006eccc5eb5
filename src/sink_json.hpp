// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>
#include <string>

#include "audio_latency/match.hpp"
#include "wall_clock.hpp"

namespace audio_latency {

// The JSON object of one recorded latency (docs/METRICS.md), on one line, without a line end. Loop thread only.
std::string match_json(const Match& match, const IdentityResolver& resolver, const WallClock& clock);

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
