// SPDX-License-Identifier: Apache-2.0
#include "sink_metrics_bus.hpp"

#include <set>

namespace audio_latency {
namespace {

using Read = std::uint64_t (*)(const BusStats& stats);
struct Labelled {
  const char* label;
  Read read;
};

constexpr Labelled kObservations[] = {
    {"local", [](const BusStats& s) { return s.local; }},
    {"kept", [](const BusStats& s) { return s.home; }},
    {"sent", [](const BusStats& s) { return s.out.sent; }},
    {"sent_to_inform", [](const BusStats& s) { return s.out.learned; }},
    {"received", [](const BusStats& s) { return s.in.received; }},
    {"received_to_inform", [](const BusStats& s) { return s.in.learned; }},
    {"misrouted", [](const BusStats& s) { return s.in.misrouted; }},
    {"duplicate", [](const BusStats& s) { return s.in.duplicates; }},
};
constexpr Labelled kLost[] = {
    {"queue_full", [](const BusStats& s) { return s.out.queue_full; }},
    {"disconnected", [](const BusStats& s) { return s.transport.observations_unsent; }},
    {"owner_gone", [](const BusStats& s) { return s.out.owner_gone; }},
    {"gap", [](const BusStats& s) { return s.in.lost; }},
    {"not_taken", [](const BusStats& s) { return s.transport.observations_untaken; }},
    {"unknown_flow", [](const BusStats& s) { return s.in.unknown_flow; }},
    {"late", [](const BusStats& s) { return s.late + s.in.late; }},
    {"out_of_time", [](const BusStats& s) { return s.in.out_of_time; }},
    {"no_clock", [](const BusStats& s) { return s.in.no_clock; }},
};
constexpr Labelled kMessages[] = {
    {"sent", [](const BusStats& s) { return s.transport.messages_sent; }},
    {"received", [](const BusStats& s) { return s.transport.messages_received; }},
};
constexpr Labelled kBytes[] = {
    {"sent", [](const BusStats& s) { return s.transport.bytes_sent; }},
    {"received", [](const BusStats& s) { return s.transport.bytes_received; }},
};
constexpr Labelled kNotices[] = {
    {"sent", [](const BusStats& s) { return s.out.told_behind; }},
    {"received", [](const BusStats& s) { return s.behind; }},
};
constexpr Labelled kRefused[] = {
    {"version", [](const BusStats& s) { return s.transport.refused[static_cast<std::size_t>(BusRefusal::version)]; }},
    {"malformed",
     [](const BusStats& s) { return s.transport.refused[static_cast<std::size_t>(BusRefusal::malformed)]; }},
    {"definition", [](const BusStats& s) { return s.in.definitions_refused; }},
};

prometheus::Gauge& gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
}

}  // namespace

BusMetrics::BusMetrics(prometheus::Registry& registry, std::size_t most_peers)
    : most_peers_(most_peers),
      connected_(&gauge(registry, "audio_bus_connected", "1 while the bus delivers.")),
      members_(&gauge(registry, "audio_bus_members",
                      "Nodes that are heard on the bus, this one included; those that own nothing may be silent.")),
      owners_(&gauge(registry, "audio_bus_owners", "Nodes that signatures are spread over.")),
      owns_(&gauge(registry, "audio_bus_owns", "1 while this node is one of them.")),
      offsets_(prometheus::BuildGauge()
                   .Name("audio_clock_offset_seconds")
                   .Help("Time of day of another node less that of this one, as measured over the bus.")
                   .Register(registry)) {
  const auto follow = [&](const char* name, const char* help, const char* label, const auto& table) {
    auto& family = prometheus::BuildCounter().Name(name).Help(help).Register(registry);
    for (const Labelled& each : table) {
      totals_.push_back({Follower(family.Add({{label, each.label}})), each.read});
    }
  };
  follow("audio_bus_observations_total",
         "Observations on their way to the node that owns them, by what became of them.", "result", kObservations);
  follow("audio_bus_lost_observations_total", "Observations that did not reach their owner's matcher, by reason.",
         "reason", kLost);
  follow("audio_bus_messages_total", "Messages of this node on the bus.", "direction", kMessages);
  follow("audio_bus_bytes_total", "Payload bytes of those messages.", "direction", kBytes);
  follow("audio_bus_flow_notices_total", "Words to a node that another one sees a flow's packets before it does.",
         "direction", kNotices);
  follow("audio_bus_refused_messages_total", "Messages, or definitions in them, that were not taken, by reason.",
         "reason", kRefused);
}

void BusMetrics::update(const BusStats& stats, const std::vector<BusPeerClock>& clocks) {
  connected_->Set(stats.connected ? 1 : 0);
  members_->Set(static_cast<double>(stats.members));
  owners_->Set(static_cast<double>(stats.owners));
  owns_->Set(stats.owns ? 1 : 0);
  for (Total& total : totals_) total.follower.follow(total.read(stats));
  update_clocks(clocks);
}

void BusMetrics::update_clocks(const std::vector<BusPeerClock>& clocks) {
  std::set<std::string> measured;
  for (const BusPeerClock& clock : clocks) {
    if (!clock.measured || clock.node.empty()) continue;
    const auto known = peers_.find(clock.node);
    if (known == peers_.end() && peers_.size() >= most_peers_) continue;
    measured.insert(clock.node);
    auto* series = known == peers_.end() ? &offsets_.Add({{"peer", clock.node}}) : known->second;
    peers_[clock.node] = series;
    series->Set(static_cast<double>(clock.offset_ns) * 1e-9);
  }
  std::erase_if(peers_, [&](const auto& each) {
    if (measured.contains(each.first)) return false;
    offsets_.Remove(each.second);
    return true;
  });
}

}  // namespace audio_latency
