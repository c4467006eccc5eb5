// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <cstdint>
#include <map>

#include "identity_live.hpp"
#include "sink_series.hpp"

namespace audio_latency {

// The metrics of naming (docs/METRICS.md). Loop thread only.
class IdentityMetrics {
 public:
  // `registry` must outlive it.
  explicit IdentityMetrics(prometheus::Registry& registry);

  // Once a second.
  void update(const LiveIdentity& identity);

 private:
  prometheus::Family<prometheus::Counter>& packets_;
  std::map<std::uint32_t, Follower> spoofed_;  // by interface index
  prometheus::Gauge* endpoints_;
  prometheus::Gauge* pods_;
  Follower scans_;
  prometheus::Counter* scan_seconds_;
  std::uint64_t scan_cpu_ns_ = 0;
};

}  // namespace audio_latency
