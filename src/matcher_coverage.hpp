// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <map>
#include <tuple>
#include <vector>

#include "matcher.hpp"
#include "matcher_flows.hpp"

namespace audio_latency::matching {

// Seconds of sound by source, and those of them with a latency: by who sent it, or by the socket where nobody knows
// that. The numbers never fall; sources beyond the bound share one account without an address.
class Coverage {
 public:
  explicit Coverage(std::size_t maximum) : maximum_(maximum) {}

  void heard(FlowRecord& origin, EventTime time);
  void measured(FlowRecord& origin, EventTime time);
  const std::vector<CoverageView>& views() const { return accounts_; }

 private:
  std::uint32_t account(const FlowRecord& origin);

  std::size_t maximum_;  // of sockets, and of those who have a name
  std::array<std::size_t, 2> accounts_of_{};
  std::vector<CoverageView> accounts_;
  std::map<std::tuple<SocketAddress, EndpointId>, std::uint32_t> index_;
};

}  // namespace audio_latency::matching
