// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unordered_map>

#include "audio_latency/match.hpp"
#include "capture_live.hpp"
#include "log.hpp"
#include "pipeline.hpp"
#include "sink_series.hpp"
#include "wall_clock.hpp"

namespace audio_latency {

// Log events of observations, matches and capture: audio_signature (debug), latency_calculation (info: one a second and
// pair; debug: all), tc_attached, tc_detached, attach_error. Loop thread only.
class LogSink : public MatchSink, public PlacedSink, public CaptureLog {
 public:
  LogSink(Log& log, const IdentityResolver& resolver, const WallClock& clock, std::string node)
      : log_(log), resolver_(resolver), clock_(clock), node_(std::move(node)) {}

  void on_match(const Match& match) override;
  void on_placed(const PlacedObservation& seen) override;
  void on_capture_event(const std::string& event_type, const std::string& interface,
                        const std::string& message) override;

 private:
  bool is_due(const Match& match);

  Log& log_;
  const IdentityResolver& resolver_;
  const WallClock& clock_;
  std::string node_;
  std::unordered_map<SeriesKey, EventTime, SeriesKey::Hash> last_;  // when the pair was logged
};

}  // namespace audio_latency
