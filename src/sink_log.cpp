// SPDX-License-Identifier: Apache-2.0
#include "sink_log.hpp"

#include <net/if.h>

#include <array>

#include "sink_json.hpp"

namespace audio_latency {
namespace {

constexpr EventTime kBetweenLines = 1'000'000'000;
// Pairs whose last line is remembered; with more of them, some are logged more than once a second.
constexpr std::size_t kMostPairs = 10'000;

std::string interface_name(std::uint32_t index) {
  std::array<char, IF_NAMESIZE> name{};
  return if_indextoname(index, name.data()) != nullptr ? name.data() : "unknown";
}

void add_end(nlohmann::ordered_json& fields, const std::string& prefix, const SocketAddress& address,
             const Endpoint* endpoint) {
  fields[prefix + "_ip"] = address.ip.to_string();
  fields[prefix + "_port"] = address.port;
  fields[prefix + "_pod"] = endpoint != nullptr ? endpoint->name : "unknown";
  fields[prefix + "_namespace"] = endpoint != nullptr ? endpoint->namespace_name : "unknown";
  fields[prefix + "_workload"] = endpoint != nullptr ? endpoint->workload : "unknown";
}

}  // namespace

bool LogSink::is_due(const Match& match) {
  if (log_.writes(LogLevel::debug)) return true;
  if (match.kind != MatchKind::latency) return false;
  if (last_.size() >= kMostPairs) last_.clear();
  const SeriesKey pair(match.source_place, match.source, match.dest_place, match.dest);
  const auto [known, first] = last_.try_emplace(pair, match.time);
  if (!first && match.time < known->second + kBetweenLines) return false;
  known->second = match.time;
  return true;
}

void LogSink::on_match(const Match& match) {
  if (!log_.writes(LogLevel::info) || !is_due(match)) return;
  auto fields = nlohmann::ordered_json::parse(match_json(named(match, resolver_, clock_)));
  const std::string message = fields["source_pod"].get<std::string>() + " to " + fields["dest_pod"].get<std::string>() +
                              ": " + std::to_string(match.latency_ns / 1'000'000) + " ms";
  log_.event(LogLevel::info, "latency_calculation", message, fields);
}

void LogSink::on_placed(const PlacedObservation& seen) {
  if (!log_.writes(LogLevel::debug)) return;
  const Observation& observation = seen.observation;
  nlohmann::ordered_json fields = {
      {"timestamp_ns", clock_.realtime_ns(observation.time)},
      {"signature", hex16(observation.signature)},
      {"domain", to_string(observation.domain)},
      {"node", node_},
      {"interface", interface_name(observation.point.interface)},
      {"direction", observation.point.direction == AL_EGRESS ? "egress" : "ingress"},
  };
  add_end(fields, "src", observation.flow.source, resolver_.endpoint(seen.sender.endpoint));
  add_end(fields, "dst", observation.flow.destination, resolver_.endpoint(seen.receiver.endpoint));
  log_.event(LogLevel::debug, "audio_signature", "a window of audio passed", fields);
}

void LogSink::on_capture_event(const std::string& event_type, const std::string& interface,
                               const std::string& message) {
  log_.event(event_type == "attach_error" ? LogLevel::warn : LogLevel::info, event_type, message,
             {{"interface", interface}});
}

}  // namespace audio_latency
