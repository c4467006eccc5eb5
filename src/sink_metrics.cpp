// SPDX-License-Identifier: Apache-2.0
#include "sink_metrics.hpp"

#include <algorithm>

#include "identity_label.hpp"
#include "options_parse.hpp"

namespace audio_latency {
namespace {

constexpr const char* kMeasurement = "default";
constexpr EventTime kSecond = 1'000'000'000;
// A new name of an address is seen after this time at the latest.
constexpr EventTime kHandleLife = 10 * kSecond;
// A link without a match for this long has no latency "now".
constexpr EventTime kCurrentWindow = 10 * kSecond;

prometheus::Labels pair_labels(const EndpointLabel& source, const EndpointLabel& dest) {
  return {{"source_pod", source.pod},
          {"dest_pod", dest.pod},
          {"source_namespace", source.namespace_name},
          {"dest_namespace", dest.namespace_name},
          {"measurement", kMeasurement}};
}

double seconds(std::int64_t ns) {
  return static_cast<double>(ns) * 1e-9;
}

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Gauge>& gauges(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}
prometheus::Family<prometheus::Histogram>& histograms(prometheus::Registry& registry, const char* name,
                                                      const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

}  // namespace

Metrics::Metrics(const Options& options, const IdentityResolver& resolver, prometheus::Registry& registry)
    : resolver_(resolver),
      identity_(options.metric_identity),
      forgotten_(forgotten_flows(registry, "matcher")),
      stale_after_ns_(std::uint64_t{options.flow_timeout_ms} * 10 * 1'000'000) {
  auto& lost = counters(registry, "audio_series_overflow_total",
                        "Times a value went to the series other because MAX_SERIES label sets exist.");
  const std::size_t most = options.max_series;
  const auto& buckets = options.latency_buckets.empty() ? default_latency_buckets() : options.latency_buckets;
  const auto histogram = [&](const char* name, const char* help) {
    return std::make_unique<Histograms>(histograms(registry, name, help), most, lost.Add({{"metric", name}}), buckets);
  };
  const auto counter = [&](const char* name, const char* help) {
    return std::make_unique<Counters>(counters(registry, name, help), most, lost.Add({{"metric", name}}));
  };
  const auto gauge = [&](const char* name, const char* help) {
    return std::make_unique<Gauges>(gauges(registry, name, help), most, lost.Add({{"metric", name}}));
  };
  latency_ = histogram("audio_latency_seconds", "Time from audio leaving the source until it goes to the destination.");
  stage_ = histogram("audio_stage_latency_seconds", "Time from audio arriving at a pod until the pod sends it on.");
  network_ = histogram("audio_network_latency_seconds", "Time of a hop between two capture points.");
  signatures_ = counter("audio_signatures_total", "Signatures seen, by the sender of the audio.");
  speech_ = counter("audio_speech_seconds_total", "Seconds in which a source sent sound.");
  measured_ = counter("audio_measured_seconds_total", "Seconds in which a source sent sound that got a latency.");
  current_ = gauge("audio_latency_current_seconds",
                   "Median latency of the last 10 s, of the slowest link between source and destination.");
  drift_ = gauge("audio_latency_drift_ratio", "Seconds by which that latency grows each second, over the last 60 s.");
  active_ = &gauges(registry, "active_signatures", "Signatures that are remembered now.")
                 .Add({{"measurement", kMeasurement}});
  links_ = &gauges(registry, "audio_links", "Pairs of flows that carry the same audio now.").Add({});
  detected_ = &counters(registry, "signatures_detected_total", "Signatures that reached the matcher.")
                   .Add({{"measurement", kMeasurement}});
  matched_and_uncertain_.emplace_back(counters(registry, "signatures_matched_total", "Signatures that gave a latency.")
                                          .Add({{"measurement", kMeasurement}}));
  matched_and_uncertain_.emplace_back(
      counters(registry, "audio_latency_uncertain_total", "Latencies smaller than the uncertainty of the clocks.")
          .Add({}));
  auto& collisions = counters(registry, "audio_signature_collisions_total", "Matches refused as ambiguous, by reason.");
  for (int i = 0; i < static_cast<int>(Collision::count); ++i) {
    collisions_.emplace_back(collisions.Add({{"reason", to_string(static_cast<Collision>(i))}}));
  }
  auto& errors = counters(registry, "audio_processing_errors_total", "What could not be processed, by type of error.");
  for (int i = 0; i < static_cast<int>(MatcherError::count); ++i) {
    errors_.emplace_back(errors.Add({{"error_type", to_string(static_cast<MatcherError>(i))}}));
  }
}

void Metrics::on_match(const Match& match) {
  const SeriesKey key = match.kind == MatchKind::stage
                            ? SeriesKey(match.source_place, match.source)
                            : SeriesKey(match.source_place, match.source, match.dest_place, match.dest);
  const auto labels = [&] {
    const EndpointLabel source = label_of(match.source_place, match.source, resolver_, identity_);
    if (match.kind == MatchKind::stage) {
      return prometheus::Labels{
          {"pod", source.pod}, {"namespace", source.namespace_name}, {"measurement", kMeasurement}};
    }
    return pair_labels(source, label_of(match.dest_place, match.dest, resolver_, identity_));
  };
  Histograms& table = match.kind == MatchKind::latency ? *latency_
                      : match.kind == MatchKind::stage ? *stage_
                                                       : *network_;
  table.at(key, match.time, labels).metric->Observe(seconds(match.latency_ns));
}

void Metrics::on_placed(const PlacedObservation& seen) {
  const Observation& one = seen.observation;
  on_signatures({seen.sender, one.flow.source, one.domain, 1, one.time});
}

void Metrics::on_signatures(const Signatures& signatures) {
  const auto& [sender, address, domain, count, last] = signatures;
  const auto key = SeriesKey(sender, address).with(static_cast<std::uint8_t>(domain));
  const auto labels = [&] {
    const EndpointLabel label = label_of(signatures.sender, signatures.address, resolver_, identity_);
    return prometheus::Labels{
        {"pod", label.pod}, {"namespace", label.namespace_name}, {"domain", std::string(to_string(signatures.domain))}};
  };
  signatures_->at(key, last, labels, count).metric->Increment(static_cast<double>(count));
  detected_->Increment(static_cast<double>(count));
}

void Metrics::update(const MatcherStats& stats, const std::vector<LinkView>& links,
                     const std::vector<CoverageView>& coverage, EventTime now) {
  update_totals(stats);
  update_links(links, now);
  update_coverage(coverage, now);
  expire(now);
}

void Metrics::update_totals(const MatcherStats& stats) {
  matched_and_uncertain_[0].follow(stats.matched);
  matched_and_uncertain_[1].follow(stats.uncertain);
  for (std::size_t i = 0; i < collisions_.size(); ++i) collisions_[i].follow(stats.collisions[i]);
  for (std::size_t i = 0; i < errors_.size(); ++i) errors_[i].follow(stats.errors[i]);
  active_->Set(static_cast<double>(stats.active_signatures));
  links_->Set(static_cast<double>(stats.active_links));
  forgotten_.follow(stats.relieved_flows);
}

void Metrics::update_links(const std::vector<LinkView>& links, EventTime now) {
  std::map<const Gauges::Series*, double> slowest;  // of the series seen in this pass
  for (const LinkView& link : links) {
    if (link.last_match + kCurrentWindow < now) continue;
    const SocketAddress& source = link.earlier.source;
    const SocketAddress& dest = link.later.destination;
    const SeriesKey key(link.source, source, link.dest, dest);
    const auto labels = [&] {
      return pair_labels(label_of(link.source, source, resolver_, identity_),
                         label_of(link.dest, dest, resolver_, identity_));
    };
    const Gauges::Series& current = current_->at(key, now, labels);
    const Gauges::Series& drift = drift_->at(key, now, labels);
    const auto [known, first] = slowest.try_emplace(&current, link.current_seconds);
    if (!first && known->second >= link.current_seconds) continue;
    known->second = link.current_seconds;
    current.metric->Set(link.current_seconds);
    drift.metric->Set(link.drift_ratio);
  }
  // A latency of a call that is over is no latency now.
  current_->expire(now);
  drift_->expire(now);
}

void Metrics::update_coverage(const std::vector<CoverageView>& coverage, EventTime now) {
  covered_.resize(std::max(covered_.size(), coverage.size()));
  for (std::size_t i = 0; i < coverage.size(); ++i) {
    const CoverageView& flow = coverage[i];
    Covered& before = covered_[i];
    if (flow.speech_seconds == before.speech && flow.measured_seconds == before.measured) continue;
    const SeriesKey key(flow.source, flow.origin.source);
    const auto labels = [&] {
      const EndpointLabel label = label_of(flow.source, flow.origin.source, resolver_, identity_);
      return prometheus::Labels{{"source_pod", label.pod}, {"namespace", label.namespace_name}};
    };
    speech_->at(key, now, labels).metric->Increment(static_cast<double>(flow.speech_seconds - before.speech));
    measured_->at(key, now, labels).metric->Increment(static_cast<double>(flow.measured_seconds - before.measured));
    before = {flow.speech_seconds, flow.measured_seconds};
  }
}

void Metrics::expire(EventTime now) {
  const bool renew = now > handles_since_ + kHandleLife;
  if (renew) handles_since_ = now;
  const EventTime before = now > stale_after_ns_ ? now - stale_after_ns_ : 0;
  const auto each = [&](auto& table) {
    table.expire(before);
    if (renew) table.forget_handles();
  };
  each(*latency_), each(*stage_), each(*network_), each(*signatures_), each(*speech_), each(*measured_);
  if (renew) current_->forget_handles(), drift_->forget_handles();
}

}  // namespace audio_latency
