// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/registry.h>

#include <string>

#include "capture_replay.hpp"
#include "format_table.hpp"
#include "pipeline.hpp"
#include "sink_metrics.hpp"
#include "sink_metrics_capture.hpp"
#include "sink_metrics_formats.hpp"

namespace audio_latency {

// What /metrics would have served at the end of the same traffic, except that no series is removed for its age: the
// histograms hold every latency that `replay --json` prints. Loop thread only.
class ReplayMetrics {
 public:
  // Adds itself to `pipeline`; all of them must outlive it.
  ReplayMetrics(const Options& options, const ReplayCapture& capture, Pipeline& pipeline, Formats& formats);

  // As often as there is news; takes over the totals once a second of event time.
  void update();
  // Prometheus text format; after the pipeline has finished.
  std::string text();

 private:
  void take_over();

  const ReplayCapture& capture_;
  const Pipeline& pipeline_;
  Formats& formats_;
  prometheus::Registry registry_;
  Metrics metrics_;
  CaptureMetrics capture_metrics_;
  FormatMetrics format_metrics_{registry_};
  EventTime updated_ = 0;
};

}  // namespace audio_latency
