// SPDX-License-Identifier: Apache-2.0
#include "sink_metrics_capture.hpp"

#include <sys/utsname.h>

#include <numeric>
#include <set>

#include "capture_counters.hpp"
#include "version.hpp"

namespace audio_latency {
namespace {

prometheus::Family<prometheus::Counter>& counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}
prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help,
                         const prometheus::Labels& labels = {}) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
}

std::string kernel_release() {
  utsname system{};
  return uname(&system) == 0 ? system.release : "unknown";
}

}  // namespace

CaptureMetrics::CaptureMetrics(const Options& options, const Identity& identity, prometheus::Registry& registry)
    : stale_after_ns_(std::uint64_t{options.flow_timeout_ms} * 10 * 1'000'000),
      packets_(counters(registry, "audio_packets_total", "Packets that passed the program, by what it did with them.")),
      bytes_(counters(registry, "audio_scanned_bytes_total", "Payload bytes scanned.")),
      run_seconds_(counters(registry, "audio_bpf_run_seconds_total",
                            "Time spent in the kernel program (while kernel.bpf_stats_enabled is on).")),
      runs_(counters(registry, "audio_bpf_runs_total",
                     "Runs of the kernel program (while kernel.bpf_stats_enabled is on).")),
      flows_(&gauge(registry, "audio_flows", "Flows in the kernel program's table.")),
      forgotten_(forgotten_flows(registry, "kernel")),
      attached_(&gauge(registry, "audio_attached_interfaces", "Interfaces that the program is attached to.")),
      uncertainty_(&gauge(registry, "audio_clock_uncertainty_seconds",
                          "How far the mapping of packet times to the time of day may be off.",
                          {{"node", identity.node}})) {
  gauge(registry, "audio_latency_build_info", "Version of the program; always 1.",
        {{"version", version()},
         {"commit", commit()},
         {"kernel", kernel_release()},
         {"attach_mode", identity.attach_mode}})
      .Set(1);
  auto& refused = counters(registry, "audio_windows_refused_total", "Selected windows refused, by reason.");
  for (int i = 0; i < AL_REFUSALS; ++i) {
    refused_.emplace_back(refused.Add({{"reason", al_refusal_name(static_cast<al_refusal>(i))}}));
  }
  auto& lost = counters(registry, "audio_events_lost_total", "Signatures that did not reach the daemon, by reason.");
  for (int i = 0; i < AL_LOSSES; ++i) {
    lost_.emplace_back(lost.Add({{"reason", al_loss_name(static_cast<al_loss>(i))}}));
  }
  auto& errors = counters(registry, "audio_processing_errors_total", "What could not be processed, by type of error.");
  for (int i = 0; i < AL_TROUBLES; ++i) {
    trouble_.emplace_back(errors.Add({{"error_type", al_trouble_name(static_cast<al_trouble>(i))}}));
  }
}

void CaptureMetrics::update(const LiveCaptureStats& stats, std::uint64_t clock_uncertainty_ns, EventTime now) {
  al_counters sum{};
  for (const InterfaceCounters& each : stats.interfaces) {
    update_interface(each, now);
    add(sum, each.counters);
  }
  update_sums(sum);
  update_programs(stats.programs);
  flows_->Set(static_cast<double>(stats.flows));
  forgotten_.follow(stats.relieved_flows);
  attached_->Set(static_cast<double>(stats.attached_interfaces));
  uncertainty_->Set(static_cast<double>(clock_uncertainty_ns) * 1e-9);
  expire(now);
  forget_removed(stats.interfaces);
}

// Names of devices that nobody counts any more: pods come and go.
void CaptureMetrics::forget_removed(const std::vector<InterfaceCounters>& counted) {
  if (removed_.size() <= counted.size()) return;
  std::set<std::pair<std::string, std::string>> names;
  for (const InterfaceCounters& each : counted) names.emplace(each.interface, each.direction);
  std::erase_if(removed_, [&](const auto& each) { return !names.contains(each.first); });
}

void CaptureMetrics::update_interface(const InterfaceCounters& seen, EventTime now) {
  const auto& packets = seen.counters.packets;
  const std::uint64_t total = std::accumulate(std::begin(packets), std::end(packets), std::uint64_t{0});
  auto known = interfaces_.find({seen.interface, seen.direction});
  if (known == interfaces_.end()) {
    const auto removed = removed_.find({seen.interface, seen.direction});
    if (removed != removed_.end() && removed->second == total) return;
    const prometheus::Labels labels = {{"interface", seen.interface}, {"direction", seen.direction}};
    Interface fresh{{}, Follower(bytes_.Add(labels)), 0, now};
    for (int i = 0; i < AL_VERDICTS; ++i) {
      auto with_verdict = labels;
      with_verdict["verdict"] = al_verdict_name(static_cast<al_verdict>(i));
      fresh.verdicts.emplace_back(packets_.Add(with_verdict));
    }
    known = interfaces_.emplace(std::pair(seen.interface, seen.direction), std::move(fresh)).first;
  }
  Interface& interface = known->second;
  if (total != interface.total) interface.changed = now;
  interface.total = total;
  for (std::size_t i = 0; i < interface.verdicts.size(); ++i) interface.verdicts[i].follow(packets[i]);
  interface.bytes.follow(seen.counters.scanned_bytes);
}

void CaptureMetrics::update_sums(const al_counters& sum) {
  for (std::size_t i = 0; i < refused_.size(); ++i) refused_[i].follow(sum.refused[i]);
  for (std::size_t i = 0; i < lost_.size(); ++i) lost_[i].follow(sum.lost[i]);
  for (std::size_t i = 0; i < trouble_.size(); ++i) trouble_[i].follow(sum.trouble[i]);
}

void CaptureMetrics::update_programs(const std::vector<ProgramRuntime>& programs) {
  for (const ProgramRuntime& each : programs) {
    auto known = programs_.find(each.program);
    if (known == programs_.end()) {
      const prometheus::Labels labels = {{"program", each.program}};
      known =
          programs_.try_emplace(each.program, Program{Follower(runs_.Add(labels)), &run_seconds_.Add(labels)}).first;
    }
    Program& program = known->second;
    program.runs.follow(each.runs);
    if (each.run_time_ns > program.last_ns) {
      program.seconds->Increment(static_cast<double>(each.run_time_ns - program.last_ns) * 1e-9);
    }
    program.last_ns = each.run_time_ns;
  }
}

void CaptureMetrics::expire(EventTime now) {
  for (auto each = interfaces_.begin(); each != interfaces_.end();) {
    if (each->second.changed + stale_after_ns_ >= now) {
      ++each;
      continue;
    }
    for (Follower& verdict : each->second.verdicts) packets_.Remove(&verdict.counter());
    bytes_.Remove(&each->second.bytes.counter());
    removed_[each->first] = each->second.total;
    each = interfaces_.erase(each);
  }
}

}  // namespace audio_latency
