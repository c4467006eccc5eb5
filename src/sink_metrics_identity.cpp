// SPDX-License-Identifier: Apache-2.0
#include "sink_metrics_identity.hpp"

#include <net/if.h>

#include <array>
#include <string>

namespace audio_latency {
namespace {

prometheus::Counter& counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add({});
}
prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

std::string interface_name(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  return if_indextoname(index, name.data()) != nullptr ? name.data() : std::to_string(index);
}

}  // namespace

IdentityMetrics::IdentityMetrics(prometheus::Registry& registry)
    : packets_(prometheus::BuildCounter()
                   .Name("audio_packets_total")
                   .Help("Packets that passed the program, by what it did with them.")
                   .Register(registry)),
      endpoints_(
          &gauge(registry, "audio_identity_endpoints", "Pods, containers, processes and Services that have a name.")),
      pods_(&gauge(registry, "audio_identity_pods", "Running pods that the Kubernetes API server told of.")),
      scans_(counter(registry, "audio_identity_scans_total", "Readings of this host's sockets.")),
      scan_seconds_(&counter(registry, "audio_identity_scan_seconds_total",
                             "Processor time that readings of this host's sockets took.")) {}

void IdentityMetrics::update(const LiveIdentity& identity) {
  const RefresherStats stats = identity.stats();
  endpoints_->Set(static_cast<double>(stats.endpoints));
  pods_->Set(static_cast<double>(stats.pods));
  scans_.follow(stats.scans);
  scan_seconds_->Increment(static_cast<double>(stats.scan_cpu_ns - scan_cpu_ns_) * 1e-9);
  scan_cpu_ns_ = stats.scan_cpu_ns;
  for (const auto& [index, packets] : identity.spoofed_packets()) {
    auto known = spoofed_.find(index);
    if (known == spoofed_.end()) {
      auto& added =
          packets_.Add({{"interface", interface_name(index)}, {"direction", "ingress"}, {"verdict", "spoofed"}});
      known = spoofed_.try_emplace(index, added).first;
    }
    known->second.follow(packets);
  }
}

}  // namespace audio_latency
