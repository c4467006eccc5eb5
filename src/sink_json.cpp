// SPDX-License-Identifier: Apache-2.0
#include "sink_json.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>
namespace audio_latency {

std::string hex16(std::uint64_t value) {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value));
  return digits.data();
}

NamedMatch named(const Match& match, const IdentityResolver& resolver, const WallClock& clock) {
  return {match, label_of(match.source_place, match.source, resolver), label_of(match.dest_place, match.dest, resolver),
          clock.realtime_ns(match.time)};
}

std::string match_json(const NamedMatch& named) {
  const auto& [match, source, dest, realtime_ns] = named;
  nlohmann::ordered_json object = {
      {"time", rfc3339(realtime_ns)},
      {"kind", to_string(match.kind)},
      {"source", match.source.to_string()},
      {"dest", match.dest.to_string()},
      {"source_pod", source.pod},
      {"dest_pod", dest.pod},
      {"source_namespace", source.namespace_name},
      {"dest_namespace", dest.namespace_name},
  };
  // The component is called by where the audio arrived at it.
  if (match.kind == MatchKind::stage) object["pod"] = source.pod;
  object["latency_seconds"] = static_cast<double>(match.latency_ns) * 1e-9;
  object["signature"] = hex16(match.signature);
  object["domain"] = to_string(match.domain);
  object["measurement"] = "default";
  object["uncertainty_seconds"] = static_cast<double>(match.uncertainty_ns) * 1e-9;
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void JsonLines::on_match(const Match& match) {
  out_ << match_json(named(match, resolver_, clock_)) << '\n';
}

}  // namespace audio_latency
