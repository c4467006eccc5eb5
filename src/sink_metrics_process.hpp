// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/collectable.h>

#include <string>

namespace audio_latency {

// process_*: what every Prometheus client exports about its own process, read from `root` (/proc/self) at each
// collection. What can't be read is left out. Any thread.
class ProcessMetrics : public prometheus::Collectable {
 public:
  explicit ProcessMetrics(std::string root = "/proc/self", std::string system_stat = "/proc/stat")
      : root_(std::move(root)), system_stat_(std::move(system_stat)) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::string root_;
  std::string system_stat_;
};

}  // namespace audio_latency
