// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "audio_latency/endpoint.hpp"

namespace audio_latency {

enum class MatchKind : std::uint8_t { latency, stage, network };
std::string_view to_string(MatchKind kind);

// One recorded latency (matching.md, "What is measured").
//   latency: source = sender of the earlier hop, dest = receiver of the later one.
//   stage:   source = where the audio arrived at the component, dest = where the component sent it on from.
//   network: source and dest = sender and receiver of the one hop.
struct Match {
  MatchKind kind = MatchKind::latency;
  EventTime time = 0;  // when the later hop (network: the arrival) passed
  SocketAddress source;
  SocketAddress dest;
  Placement source_place;
  Placement dest_place;
  std::int64_t latency_ns = 0;
  std::uint64_t uncertainty_ns = 0;
  std::uint64_t signature = 0;
  Domain domain = Domain::verbatim;
  bool learned = false;  // the later hop was: another node records this match
};

// Called by the loop thread.
class MatchSink {
 public:
  virtual ~MatchSink() = default;
  virtual void on_match(const Match& match) = 0;
};

}  // namespace audio_latency
