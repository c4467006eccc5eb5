// SPDX-License-Identifier: Apache-2.0
#include "replay_metrics.hpp"

#include <prometheus/text_serializer.h>

#include <limits>

namespace audio_latency {
namespace {

constexpr EventTime kSecond = 1'000'000'000;

// Series are removed ten flow timeouts after their last change: with this one, never.
Options ageless(Options options) {
  options.flow_timeout_ms = std::numeric_limits<decltype(options.flow_timeout_ms)>::max();
  return options;
}

}  // namespace

ReplayMetrics::ReplayMetrics(const Options& options, const ReplayCapture& capture, Pipeline& pipeline, Formats& formats)
    : capture_(capture),
      pipeline_(pipeline),
      formats_(formats),
      metrics_(ageless(options), pipeline.resolver(), registry_),
      capture_metrics_(ageless(options), {"replay", "replay"}, registry_) {
  pipeline.add(static_cast<MatchSink&>(metrics_));
  pipeline.add_counter(metrics_);
}

void ReplayMetrics::update() {
  if (capture_.now() - updated_ < kSecond) return;
  take_over();
}

void ReplayMetrics::take_over() {
  updated_ = capture_.now();
  const Matcher& matcher = pipeline_.matcher();
  formats_.report_signatures(metrics_);
  metrics_.update(matcher.stats(), matcher.links(), matcher.coverage(), updated_);
  capture_metrics_.update(capture_.stats(), 0, updated_);
  format_metrics_.update(formats_.stats());
}

std::string ReplayMetrics::text() {
  take_over();
  return prometheus::TextSerializer().Serialize(registry_.Collect());
}

}  // namespace audio_latency
