// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <array>
#include <vector>

#include "format_table.hpp"
#include "sink_series.hpp"

namespace audio_latency {

// The metrics of the formats stage (docs/METRICS.md). Loop thread only.
class FormatMetrics {
 public:
  // `registry` must outlive it.
  explicit FormatMetrics(prometheus::Registry& registry);

  // Once a second.
  void update(const FormatStats& stats);

 private:
  std::array<prometheus::Gauge*, 5> unhashable_{};  // by enum Unhashable; [0]: none
  Follower decoded_;
  Follower skipped_;
  Follower scanned_;
  Follower forgotten_;
  std::vector<Follower> refused_;  // by enum al_refusal; the last: not_audio
  std::vector<Follower> errors_;
};

}  // namespace audio_latency
