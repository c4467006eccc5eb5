// SPDX-License-Identifier: Apache-2.0
#include "sink_metrics_formats.hpp"

#include <string>

#include "capture_counters.hpp"

namespace audio_latency {
namespace {

prometheus::Family<prometheus::Counter>& family(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

}  // namespace

FormatMetrics::FormatMetrics(prometheus::Registry& registry)
    : decoded_(
          family(registry, "audio_decoded_bytes_total", "Payload bytes of flows that the daemon decodes.").Add({})),
      skipped_(family(registry, "audio_framing_skipped_bytes_total",
                      "Payload bytes passed over while a flow's framing was lost.")
                   .Add({})),
      scanned_(family(registry, "audio_decoded_audio_bytes_total", "Bytes of audio found in decoded flows.").Add({})),
      forgotten_(forgotten_flows(registry, "formats")) {
  auto& unhashable = prometheus::BuildGauge()
                         .Name("audio_unhashable_flows")
                         .Help("Flows whose audio can't be scanned, by reason.")
                         .Register(registry);
  for (std::size_t i = 1; i < unhashable_.size(); ++i)
    unhashable_.at(i) = &unhashable.Add({{"reason", std::string(to_string(static_cast<Unhashable>(i)))}});
  auto& refused = family(registry, "audio_windows_refused_total", "Selected windows refused, by reason.");
  for (int i = 0; i < AL_REFUSALS; ++i)
    refused_.emplace_back(refused.Add({{"reason", al_refusal_name(static_cast<al_refusal>(i))}}));
  refused_.emplace_back(refused.Add({{"reason", "short_flow"}}));
  refused_.emplace_back(refused.Add({{"reason", "not_audio"}}));
  auto& errors = family(registry, "audio_processing_errors_total", "What could not be processed, by type of error.");
  for (const char* type : {"format_flow_table_full", "format_flow_quota", "framing_lost", "tcp_gap"})
    errors_.emplace_back(errors.Add({{"error_type", type}}));
}

void FormatMetrics::update(const FormatStats& stats) {
  for (std::size_t i = 1; i < unhashable_.size(); ++i)
    unhashable_.at(i)->Set(static_cast<double>(stats.unhashable.at(i)));
  decoded_.follow(stats.decoded_bytes);
  skipped_.follow(stats.skipped_bytes);
  scanned_.follow(stats.scan.bytes);
  forgotten_.follow(stats.flows_relieved);
  for (std::size_t i = 0; i < stats.scan.refused.size(); ++i) refused_[i].follow(stats.scan.refused[i]);
  refused_[stats.scan.refused.size()].follow(stats.short_flows);
  refused_.back().follow(stats.not_audio);
  const std::array<std::uint64_t, 4> errors = {stats.flow_table_full, stats.flow_quota, stats.resyncs,
                                               stats.reassembly.gaps};
  for (std::size_t i = 0; i < errors_.size(); ++i) errors_[i].follow(errors.at(i));
}

}  // namespace audio_latency
