// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "audio_latency/match.hpp"

namespace audio_latency {

// Collects latencies by pair and prints them: what `replay` shows to people. Loop thread only.
class ReplayTable : public MatchSink {
 public:
  explicit ReplayTable(const IdentityResolver& names) : names_(names) {}

  void on_match(const Match& match) override;
  // One row a pair, in milliseconds; "no latency was measured" where there is none.
  std::string to_string();

 private:
  using Pair = std::tuple<MatchKind, std::string, std::string>;

  std::string name_of(const SocketAddress& address, const Placement& place) const;

  const IdentityResolver& names_;
  std::map<Pair, std::vector<std::int64_t>> latencies_;  // nanoseconds
};

// The value below which `share` (0 to 1) of the values lie, by nearest rank; `sorted` is not empty.
std::int64_t percentile(const std::vector<std::int64_t>& sorted, double share);

}  // namespace audio_latency
