// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <map>
#include <string>
#include <vector>

#include "bus.hpp"
#include "sink_series.hpp"

namespace audio_latency {

// The metrics of the bus (docs/METRICS.md). Loop thread only.
class BusMetrics {
 public:
  BusMetrics(prometheus::Registry& registry, std::size_t most_peers);

  void update(const BusStats& stats, const std::vector<BusPeerClock>& clocks);  // once a second

 private:
  void update_clocks(const std::vector<BusPeerClock>& clocks);

  std::size_t most_peers_;
  prometheus::Gauge* connected_;
  prometheus::Gauge* members_;
  prometheus::Gauge* owners_;
  prometheus::Gauge* owns_;
  prometheus::Family<prometheus::Gauge>& offsets_;
  std::map<std::string, prometheus::Gauge*> peers_;
  // What stats() counts, and where in it.
  struct Total {
    Follower follower;
    std::uint64_t (*read)(const BusStats& stats);
  };
  std::vector<Total> totals_;
};

}  // namespace audio_latency
