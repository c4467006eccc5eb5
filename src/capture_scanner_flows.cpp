// SPDX-License-Identifier: Apache-2.0
#include "capture_scanner_flows.hpp"

#include <algorithm>
#include <iterator>

#include "flow_relief.hpp"

namespace audio_latency {

al_flow* ScannerFlows::look_up(const al_flow_key& key) {
  const auto found = flows_.find(key);
  return found != flows_.end() ? &found->second : nullptr;
}

al_flow* ScannerFlows::find(const al_flow_key& key, const CapturedPacket& captured, bool create, al_format format) {
  al_flow* flow = look_up(key);
  if (flow == nullptr && create) flow = make(key, captured, format);
  if (flow == nullptr) return nullptr;
  flow->last_seen_ns = captured.time;
  al_rate_update(&flow->rate, captured.time, settings_.selectivity);
  return flow;
}

al_flow* ScannerFlows::make(const al_flow_key& key, const CapturedPacket& captured, al_format format) {
  al_flow fresh{};
  fresh.last_seen_ns = captured.time;
  al_begin_treatment(&fresh, format, captured.time);
  if (!captured.loopback) {
    if (!captured.uplink && captured.point.direction == AL_INGRESS)
      fresh.sender.interface_index = captured.point.interface;
    else
      std::copy_n(key.source, sizeof fresh.sender.address, fresh.sender.address);
    const std::uint32_t held = senders_[fresh.sender];
    if (held >= std::max<std::uint32_t>(settings_.maximum_flows / 10, 1)) {
      ++counters_.trouble[AL_TROUBLE_FLOW_QUOTA];
      return nullptr;
    }
  }
  if (flows_.size() >= settings_.maximum_flows) {
    ++counters_.trouble[AL_TROUBLE_FLOW_TABLE_FULL];
    return nullptr;
  }
  if (!captured.loopback) ++senders_[fresh.sender];
  return &flows_.emplace(key, fresh).first->second;
}

// Returns the next one.
ScannerFlows::FlowMap::iterator ScannerFlows::forget(FlowMap::iterator flow) {
  const auto sender = senders_.find(flow->second.sender);
  if (sender != senders_.end() && --sender->second == 0) senders_.erase(sender);
  return flows_.erase(flow);
}

void ScannerFlows::age(EventTime now, EventTime timeout) {
  for (auto flow = flows_.begin(); flow != flows_.end();)
    flow = flow->second.last_seen_ns + timeout < now ? forget(flow) : std::next(flow);
  relieve_table(now);
}

void ScannerFlows::relieve_table(EventTime now) {
  relieved_ += relieve_map(
      flows_, settings_.maximum_flows,
      [&](const FlowMap::value_type& entry, DispensableFlow& flow) {
        flow.last_seen = entry.second.last_seen_ns;
        if (holds_sound(entry.second.treatment) || flow.last_seen + kDispensableIdle > now) return false;
        const auto sender = senders_.find(entry.second.sender);
        flow.held = sender == senders_.end() ? nullptr : &sender->second;
        return true;
      },
      [this](FlowMap::iterator flow) { forget(flow); });
}

}  // namespace audio_latency
