// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audio_latency/observation.hpp"
#include "capture_live.hpp"
#include "sink_series.hpp"

namespace audio_latency {

// The metrics of the kernel program and of this process (docs/METRICS.md). Loop thread only.
class CaptureMetrics {
 public:
  struct Identity {
    std::string node;         // label of audio_clock_uncertainty_seconds
    std::string attach_mode;  // "tcx", "clsact"
  };
  // `registry` must outlive it.
  CaptureMetrics(const Options& options, const Identity& identity, prometheus::Registry& registry);

  // Once a second.
  void update(const LiveCaptureStats& stats, std::uint64_t clock_uncertainty_ns, EventTime now);

 private:
  // Counters of one interface and direction.
  struct Interface {
    std::vector<Follower> verdicts;
    Follower bytes;
    std::uint64_t total = 0;
    EventTime changed = 0;
  };
  struct Program {
    Follower runs;
    prometheus::Counter* seconds;
    std::uint64_t last_ns = 0;
  };

  void update_interface(const InterfaceCounters& seen, EventTime now);
  void update_sums(const al_counters& sum);
  void update_programs(const std::vector<ProgramRuntime>& programs);
  void expire(EventTime now);
  void forget_removed(const std::vector<InterfaceCounters>& counted);

  const std::uint64_t stale_after_ns_;
  prometheus::Family<prometheus::Counter>& packets_;
  prometheus::Family<prometheus::Counter>& bytes_;
  prometheus::Family<prometheus::Counter>& run_seconds_;
  prometheus::Family<prometheus::Counter>& runs_;
  prometheus::Gauge* flows_;
  Follower forgotten_;
  prometheus::Gauge* attached_;
  prometheus::Gauge* uncertainty_;
  std::vector<Follower> refused_;
  std::vector<Follower> lost_;
  std::vector<Follower> trouble_;
  std::map<std::pair<std::string, std::string>, Interface> interfaces_;
  // Totals of those whose series were removed: they come back when their total moves.
  std::map<std::pair<std::string, std::string>, std::uint64_t> removed_;
  std::map<std::string, Program> programs_;
};

}  // namespace audio_latency
